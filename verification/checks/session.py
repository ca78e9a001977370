"""session: the device we know signed this file, for this claim, in time.

Stops: replayed captures, files made before the challenge existed, media swapped after signing, a
stolen session token without the device's key, back-dated submissions.
How: the numbered list in `session` below, every step against what the *server* recorded; device time
is never used here. The commitment (SHA-256 of the signed statement) arrives at the shutter, so the
freshness window is [challenge issued, commitment received]; a wide one says less and scores less.
Limits: it proves a key and an order of events, not a camera: a virtual camera fed with a rendered
scene passes (that is the challenge's task). A device key exported from a rooted phone passes too.
Outside the market (docs/examine.md, `verification.outside`) what is not given abstains and what is given must
agree: "session_verified_upstream" where the signature was checked before, "no_statement", "not_signed",
"signed_but_not_bound"; and besides the reasons below captured_before_challenge, captured_after_receipt,
before_opening, after_closing.
Source: the single-use nonce bound to the file's hash at the shutter is guardianproject/proofmode's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from core.accounts.rules import fits_algorithm, signature_fits, statement_message
from verification.case import Case
from verification.evidence import Evidence, Family, Json, Outcome, abstain, hard_fail, ok
from verification.outside import session_outside
from verification.registry import check

SOUND = 1.2  # nats, for a commitment at once
WIDEST = 0.6  # share of SOUND left when the whole freshness window was used


@check(
    "session",
    family=Family.SESSION,
    version="1",
    cost=0,
    kinds={"photo", "stream", "video"},
    bounds=(0.0, SOUND),
)
def session(case: Case) -> Outcome:
    """Verifying a session, in order; the first step that fails names the reason.

    0. the stored bytes still are what arrived (else our own fault: the check errs, a person looks);
    1. the statement is one JSON object that the committed hash is of: unreadable_statement,
       no_commitment, commitment_mismatch;
    2. it names this claim, device, kind and nonce: wrong_claim, wrong_device, wrong_kind, wrong_nonce;
    3. the nonce was not used before: nonce_reused;
    4. it names the media that arrived, and the burst: media_not_as_signed, burst_not_as_signed;
    5. the device may speak and its pinned key signed: device_revoked, wrong_algorithm, bad_signature;
    6. the commitment came after the challenge, within its freshness, and the media before the
       deadline: commitment_before_challenge, late_commitment, after_deadline.
    """
    evidence = case.evidence
    nothing_came = evidence.session.outside and not evidence.media_sha256
    if not nothing_came and hashlib.sha256(evidence.media).hexdigest() != evidence.media_sha256:
        raise RuntimeError("the stored media is not what arrived")
    if evidence.session.outside:
        return session_outside(evidence, case.statement, sound=SOUND, widest=WIDEST)
    if case.statement is None:
        return hard_fail("unreadable_statement")
    committed_at, issued_at = evidence.session.committed_at, evidence.session.issued_at
    if evidence.session.commitment is None or committed_at is None or issued_at is None:
        return hard_fail("no_commitment")
    width_s = (committed_at - issued_at).total_seconds()
    reason = _binding(evidence, case.statement) or _signature(evidence) or _timing(evidence, width_s)
    if reason:
        return hard_fail(reason)
    allowed_s = evidence.session.max_freshness_s
    if allowed_s <= 0:
        return abstain("no_freshness_agreed")
    share = 1 - (1 - WIDEST) * width_s / allowed_s
    return ok(SOUND * share, "session_sound", width_s=round(width_s, 3), allowed_s=allowed_s)


def _binding(evidence: Evidence, statement: Mapping[str, Json]) -> str:
    """Steps 1 to 4: what was committed is this statement, and it speaks of this claim and these bytes."""
    signed = evidence.session
    expected = (
        ("claim", signed.claim, "wrong_claim"),
        ("device", signed.device, "wrong_device"),
        ("kind", evidence.terms.kind, "wrong_kind"),
        ("nonce", signed.nonce, "wrong_nonce"),
    )
    if hashlib.sha256(signed.statement.encode()).digest() != signed.commitment:
        return "commitment_mismatch"
    for key, value, reason in expected:
        if statement.get(key) != value:
            return reason
    if signed.nonce_uses > 0:
        return "nonce_reused"
    if statement.get("sha256") != evidence.media_sha256:
        return "media_not_as_signed"
    burst = (evidence.burst.sha256 or None) if evidence.burst else None
    return "" if statement.get("burst") == burst else "burst_not_as_signed"


def _signature(evidence: Evidence) -> str:
    """Step 5. The algorithm is the enrolled one; the statement has no say in it."""
    signed = evidence.session
    if signed.device_revoked:
        return "device_revoked"
    if not fits_algorithm(signed.algorithm, signed.public_key):
        return "wrong_algorithm"
    message = statement_message(hashlib.sha256(signed.statement.encode()).digest())
    fits = signature_fits(signed.algorithm, signed.public_key, signed.signature, message)
    return "" if fits else "bad_signature"


def _timing(evidence: Evidence, width_s: float) -> str:
    """Step 6, by the server's clock."""
    signed = evidence.session
    if width_s < 0:
        return "commitment_before_challenge"
    if width_s > signed.max_freshness_s:
        return "late_commitment"
    if signed.submitted_at is None or signed.deadline is None:
        return "after_deadline"  # in the market both are recorded
    return "after_deadline" if signed.submitted_at > signed.deadline else ""
