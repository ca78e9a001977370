"""Phones and stamps of the red team: an honest capture with what its maker or a time stamper signs about it.

    evidence = attested(workshop.evidence(shot), vouchers().phones)     # an Android phone
    evidence = asserted(workshop.evidence(shot), vouchers().apples)     # an iPhone

A cheat bends one argument.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from core.accounts.rules import statement_message
from market.simulator.attesting import Enclave, KeyFacts, key_attestation, pem
from market.simulator.authority import Authority
from market.simulator.stamping import Stamper
from verification.attestation.apple import enrolment
from verification.evidence import Attestation, Evidence


def facts_of(evidence: Evidence, **changes: Any) -> KeyFacts:
    """What honest hardware says of the key that signed this capture, with some of it changed."""
    return KeyFacts(
        **{
            "public_key": signing_key(evidence),
            "challenge": evidence.session.nonce.encode(),
            **changes,
        }
    )


def signing_key(evidence: Evidence) -> ec.EllipticCurvePublicKey:
    """The key that signed the statement."""
    key = load_der_public_key(evidence.session.public_key)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError("phones of the red team sign with ES256")
    return key


def attested(evidence: Evidence, maker: Authority, **changes: Any) -> Evidence:
    """By an Android phone of that maker."""
    return chained(evidence, key_attestation(maker, facts_of(evidence, **changes)))


def chained(evidence: Evidence, chain: list[x509.Certificate]) -> Evidence:
    """With a chain of certificates, whatever it says."""
    return replace(evidence, attestation=Attestation("android-key", pem(chain)))


def asserted(
    evidence: Evidence, maker: Authority, *, count: int = 1, last: int = 0, statement: str | None = None
) -> Evidence:
    """By an iPhone of that maker: attested for this claim, an assertion over the statement.

    Args:
        count: of this assertion.
        last: the counter that the server saw before.
        statement: the text that is asserted; the capture's own unless told.
    """
    phone, signed = Enclave(maker), evidence.session
    text = signed.statement if statement is None else statement
    said = statement_message(hashlib.sha256(text.encode()).digest())
    return replace(
        evidence,
        attestation=Attestation(
            "apple-appattest",
            phone.attestation(enrolment(signed.public_key, signed.nonce.encode())),
            assertion=phone.assertion(said, counter=count),
            key_id=phone.key_id,
            last_counter=last,
        ),
    )


def stamped(
    evidence: Evidence, stamper: Stamper, *, media: bytes | None = None, at: datetime | None = None
) -> Evidence:
    """With a timestamp over the file (or other bytes), at the commitment unless told."""
    when = at or evidence.session.committed_at
    if when is None:
        raise ValueError("when was it stamped?")
    digest = hashlib.sha256(evidence.media if media is None else media).digest()
    return replace(evidence, timestamp=stamper.stamp(digest, when))
