"""attestation: the maker of the phone vouches for the key that signed this capture.

Stops: programs that pretend to be a phone, keys made in software or copied off a device, apps that are not
ours, unlocked or re-flashed phones, keys known to have leaked, an assertion played again.
How: `verification.attestation` verifies App Attest and Android Key Attestation offline, as the makers'
guides number the steps, against the roots, apps and status list of the trust folder alone. Android: the
attested key is the one that signed the statement, and answers our challenge. Apple: the attested key named
that key when it was attested, and has asserted this very statement with a counter above the last. The
challenge is what the server issued at enrolment, else the claim's nonce; the nonce in the statement makes
the capture fresh either way. What only lacks (no root of ours, a software key, a development build, an
expired certificate, another app) abstains, for an honest old or rooted phone looks so; what contradicts
(another key, another challenge, a revoked key, a forged root, a chain drawn out by whoever holds the leaf,
a counter that went back) is a hard fail.
Limits: it proves a device and an app, not that the picture came from the camera: a real phone before a
screen, or hooked at run time, attests like any other. Keys of real phones leak ("keyboxes", played by
TrickyStore): until their serial is on the status list such a chain is perfect, so this speaks with 1.5 nats
at most and never accepts alone. Without a status list Android abstains. The tests' makers are our own; of
true ones a few published samples were verified by hand (docs/decisions/0009).
Source: Apple, "Validating apps that connect to your server"; Android, "Verify hardware-backed key pairs
with key attestation"; TRUTH 2 and 3.5.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from core.accounts.rules import statement_message
from verification.attestation import android, apple
from verification.attestation.errors import Doubt, Forged, Malformed
from verification.case import Case
from verification.evidence import Attestation, Family, Outcome, Session, abstain, hard_fail, ok
from verification.registry import check
from verification.signing import signed_forms
from verification.trust import TrustList

APPLE, ANDROID = "apple-appattest", "android-key"  # as W3C WebAuthn names the formats
ATTESTED = 1.5  # nats


@check(
    "attestation",
    family=Family.ATTESTATION,
    version="1",
    cost=0,
    kinds={"photo", "stream", "video"},
    bounds=(0.0, ATTESTED),
)
def attestation(case: Case) -> Outcome:
    """Judging what the maker says, in order.

    1. nothing to judge, or nothing to judge it by: no_attestation, format_unknown, not_signed, no_challenge,
       no_time;
    2. the format's own steps (`attestation.apple`, `attestation.android`), each with its reason;
    3. OK key_attested, with the hardware that holds the key.
    """
    given = case.evidence.attestation
    if given is None:
        return abstain("no_attestation")
    try:
        challenge, at = _ground(case, given)
        verify = _apple if given.format == APPLE else _android
        held = verify(case, given, challenge, at)
    except Malformed:
        return abstain("attestation_unreadable")
    except Doubt as doubt:
        return abstain(doubt.reason)
    except Forged as proof:
        return hard_fail(proof.reason)
    return ok(ATTESTED, "key_attested", held=held)


def _ground(case: Case, given: Attestation) -> tuple[bytes, datetime]:
    """The challenge that had to be attested, and when the server got the attestation."""
    signed = case.evidence.session
    if given.format not in {APPLE, ANDROID}:
        raise Doubt("format_unknown")
    if not signed.public_key or not (signed.signature or signed.verified_upstream):
        raise Doubt("not_signed")
    challenge = given.challenge or signed.nonce.encode("utf-8", "replace")
    if not challenge:
        raise Doubt("no_challenge")
    at = given.received_at or signed.committed_at or signed.issued_at
    if at is None:
        raise Doubt("no_time")
    return challenge, at


def _apple(case: Case, given: Attestation, challenge: bytes, at: datetime) -> str:
    """Attestation and assertion of an iPhone."""
    trust, signed = case.tools.trust, case.evidence.session
    if not trust.makers.apple or not trust.makers.apple_apps:
        raise Doubt("root_unknown")
    attested = apple.attest(
        given.object,
        client_data=apple.enrolment(signed.public_key, challenge),
        key_id=given.key_id,
        apps=trust.makers.apple_apps,
        roots=trust.makers.apple,
        at=at,
        revoked=trust.revoked,
    )
    if not given.assertion:
        raise Doubt("no_assertion")
    forms = list(_statement_forms(case, signed))
    apple.check_assertion(given.assertion, attested, client_data=forms, last_counter=given.last_counter)
    return "secure_enclave"


def _android(case: Case, given: Attestation, challenge: bytes, at: datetime) -> str:
    """The certificate chain of an Android phone."""
    trust = case.tools.trust
    if not trust.makers.android or not trust.makers.android_apps:
        raise Doubt("root_unknown")
    level = android.attest(
        given.object,
        public_key=case.evidence.session.public_key,
        challenge=challenge,
        apps=trust.makers.android_apps,
        roots=trust.makers.android,
        at=at,
        revoked=_revoked(trust),
        suspended=trust.makers.suspended,
    )
    if not trust.makers.listed:
        raise Doubt("no_status_list")
    return android.LEVELS[level]


def _revoked(trust: TrustList) -> frozenset[int]:
    return trust.revoked | trust.makers.revoked


def _statement_forms(case: Case, signed: Session) -> Iterable[bytes]:
    """The client data an assertion may have: what the device signed too, for this statement."""
    if not signed.outside:
        return [statement_message(hashlib.sha256(signed.statement.encode()).digest())]
    return signed_forms(case.statement) if case.statement is not None else []
