"""Phones that attest, by two makers of our own; each test bends one thing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from core.accounts.rules import statement_message
from market.simulator.attesting import APP_ID, PACKAGE, SIGNER, Enclave, KeyFacts, key_attestation, pem
from market.simulator.authority import Authority, found
from tests.assets.build import make
from tests.verification import stage
from tests.verification.stage import NONCE
from verification.attestation import apple
from verification.attestation.makers import Makers
from verification.case import Case
from verification.checks.attestation import attestation
from verification.evidence import Attestation, Evidence, Outcome
from verification.picture import Decoder
from verification.statement import parse_statement
from verification.trust import TrustList

MEDIA = make("honest.jpg")
APPLE, GOOGLE = found("Test Apple"), found("Test Google")
KEY = stage.new_key()
assert isinstance(KEY, ec.EllipticCurvePrivateKey)
PUBLIC = KEY.public_key()
HONEST = stage.photo(MEDIA, key=KEY)
CHALLENGE = NONCE.encode()
TRUST = TrustList(
    makers=Makers(
        apple=(APPLE.root,),
        apple_apps=frozenset({APP_ID}),
        android=(GOOGLE.root,),
        android_apps=frozenset({(PACKAGE, SIGNER)}),
        listed=True,
    )
)


def judged(
    given: Attestation | None, decoder: Decoder, trust: TrustList = TRUST, evidence: Evidence = HONEST
) -> Outcome:
    whole = replace(evidence, attestation=given)
    statement = parse_statement(whole.session.statement)
    return attestation(Case(whole, stage.tools(decoder, trust=trust), statement=statement))


def trusting(**changes: object) -> TrustList:
    return replace(TRUST, makers=replace(TRUST.makers, **changes))  # type: ignore[arg-type]


def android(
    *,
    maker: Authority = GOOGLE,
    chain: list[x509.Certificate] | None = None,
    given: dict[str, Any] | None = None,
    **facts: Any,
) -> Attestation:
    """An honest phone's, with some facts changed."""
    said = KeyFacts(**{"public_key": PUBLIC, "challenge": CHALLENGE, **facts})
    return Attestation(
        "android-key", pem(key_attestation(maker, said) if chain is None else chain), **given or {}
    )


@cache
def message(evidence: Evidence = HONEST) -> bytes:
    return statement_message(hashlib.sha256(evidence.session.statement.encode()).digest())


def iphone(
    *,
    maker: Authority = APPLE,
    app: str = APP_ID,
    client_data: bytes | None = None,
    asserted: bytes | None = None,
    count: int = 1,
    given: dict[str, Any] | None = None,
    **bent: Any,
) -> Attestation:
    """An honest iPhone's attestation and assertion, with one thing bent."""
    phone = Enclave(maker, app)
    told = client_data or apple.enrolment(stage.spki(KEY), CHALLENGE)
    return Attestation(
        "apple-appattest",
        phone.attestation(told, **bent),
        **{
            "assertion": phone.assertion(asserted or message(), counter=count),
            "key_id": phone.key_id,
            **(given or {}),
        },
    )
