"""Attestation: what our own makers sign, one thing wrong at a time, and the reason that names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from market.simulator import authority
from market.simulator.attesting import APP_ID, Enclave, KeyFacts, cbor, key_attestation, pem
from market.simulator.authority import Authority, found
from tests.verification import stage
from tests.verification.phones import (
    APPLE,
    CHALLENGE,
    GOOGLE,
    HONEST,
    KEY,
    PUBLIC,
    TRUST,
    android,
    iphone,
    judged,
    message,
    trusting,
)
from tests.verification.stage import NOON
from verification.attestation import apple
from verification.attestation.chain import verify
from verification.attestation.errors import Doubt, Forged
from verification.evidence import Attestation, Evidence, Status
from verification.picture import Decoder
from verification.signing import canonical
from verification.statement import parse_statement
from verification.trust import TrustList

OLD = datetime(2021, 1, 1, tzinfo=UTC)  # a certificate's last day


def test_honest_phones(decoder: Decoder) -> None:
    for given, held in (
        (android(), "tee"),
        (android(levels=(2, 2)), "strongbox"),
        (android(levels=(2, 1)), "tee"),
        (iphone(), "secure_enclave"),
    ):
        outcome = judged(given, decoder)
        assert (outcome.status, outcome.reason, outcome.facts["held"]) == (Status.OK, "key_attested", held)
        assert outcome.llr == 1.5


def test_der_laid_end_to_end_is_the_same_chain(decoder: Decoder) -> None:
    chain = key_attestation(GOOGLE, KeyFacts(PUBLIC, CHALLENGE))
    laid = b"".join(one.public_bytes(Encoding.DER) for one in chain)
    assert judged(Attestation("android-key", laid), decoder).reason == "key_attested"
    assert judged(Attestation("android-key", pem(chain[:2])), decoder).reason == "key_attested", (
        "without root"
    )
    assert judged(Attestation("android-key", laid + b"\x00"), decoder).reason == "attestation_unreadable"


def test_enrolled_long_ago(decoder: Decoder) -> None:
    """The challenge of the enrolment counts, and its time: Apple's certificates live for days."""
    recorded: dict[str, Any] = {"challenge": b"enrolment 7", "received_at": NOON - timedelta(days=90)}
    told = apple.enrolment(stage.spki(KEY), b"enrolment 7")
    assert judged(iphone(client_data=told, given=recorded), decoder).reason == "key_attested"
    assert judged(android(challenge=b"enrolment 7", given=recorded), decoder).reason == "key_attested"
    assert judged(android(given=recorded), decoder).reason == "challenge_mismatch"
    assert judged(android(challenge=b"enrolment 7"), decoder).reason == "challenge_mismatch"


# -- who signed -------------------------------------------------------------------------------------


def extended() -> list[x509.Certificate]:
    """A hardware key of the cheat's own signs a certificate for the key it made in software."""
    hardware = authority.new_key()
    true = key_attestation(GOOGLE, KeyFacts(hardware.public_key(), CHALLENGE))
    lie = KeyFacts(PUBLIC, CHALLENGE, levels=(2, 2)).extension()
    return [authority.issue(true[0], hardware, "Android Keystore Key", PUBLIC, [(lie, False)]), *true]


def vouched_for_by_a_key(purposes: tuple[int, ...]) -> list[x509.Certificate]:
    """A key in hardware attests another, as KeyMint's ATTEST_KEY (purpose 7) is for."""
    hardware = authority.new_key()
    true = key_attestation(GOOGLE, KeyFacts(hardware.public_key(), CHALLENGE, purposes=purposes))
    said = KeyFacts(PUBLIC, CHALLENGE).extension()
    return [authority.issue(true[0], hardware, "Android Keystore Key", PUBLIC, [(said, False)]), *true]


def issued_by_a_leaf(maker: Authority, **made: Any) -> tuple[x509.Certificate, authority.Key]:
    """Something under the maker's intermediate that is no authority, and its key."""
    key = authority.new_key()
    return authority.issue(maker.intermediate, maker.key, "Some device", key.public_key(), **made), key


def under_a_leaf(**made: Any) -> list[x509.Certificate]:
    device, key = issued_by_a_leaf(GOOGLE, **made)
    lie = KeyFacts(PUBLIC, CHALLENGE).extension()
    leaf = authority.issue(device, key, "Android Keystore Key", PUBLIC, [(lie, False)])
    return [leaf, device, GOOGLE.intermediate, GOOGLE.root]


def broken() -> list[x509.Certificate]:
    """The leaf says that the intermediate issued it; another key did."""
    lie = KeyFacts(PUBLIC, CHALLENGE).extension()
    leaf = authority.issue(
        GOOGLE.intermediate, authority.new_key(), "Android Keystore Key", PUBLIC, [(lie, False)]
    )
    return GOOGLE.chain(leaf, whole=True)


def expired(maker: Authority) -> list[x509.Certificate]:
    facts = KeyFacts(PUBLIC, CHALLENGE).extension()
    return maker.chain(maker.issue("Android Keystore Key", PUBLIC, [(facts, False)], until=OLD))


def nothing_said() -> list[x509.Certificate]:
    return GOOGLE.chain(GOOGLE.issue("Android Keystore Key", PUBLIC))


OTHER = authority.new_key().public_key()
NAMESAKE = found("Test Google")
FORGED: dict[str, list[Callable[[], Attestation]]] = {
    "chain_broken": [lambda: android(chain=broken())],
    "issuer_no_authority": [
        lambda: android(chain=under_a_leaf()),
        lambda: android(chain=under_a_leaf(authority=True, may_sign=False)),
        lambda: android(chain=under_a_leaf(may_sign=True)),
    ],
    "chain_extended": [
        lambda: android(chain=extended()),
        lambda: android(chain=vouched_for_by_a_key((2, 7))),
    ],
    "root_forged": [
        lambda: android(maker=NAMESAKE),
        lambda: android(chain=key_attestation(NAMESAKE, KeyFacts(PUBLIC, CHALLENGE))[:2]),
        lambda: iphone(maker=found("Test Apple")),
    ],
    "attested_other_key": [
        lambda: android(public_key=OTHER),
        lambda: iphone(given={"key_id": bytes(32)}),
        lambda: iphone(credential=bytes(32)),
        lambda: iphone(credential=bytes(32), given={"key_id": b""}),
    ],
    "challenge_mismatch": [
        lambda: android(challenge=b"of another claim"),
        lambda: iphone(client_data=apple.enrolment(stage.spki(KEY), b"of another claim")),
        lambda: iphone(client_data=apple.enrolment(stage.spki(stage.new_key()), CHALLENGE)),
    ],
    "assertion_not_by_key": [
        lambda: iphone(asserted=b"another statement"),
        lambda: replace(iphone(), assertion=Enclave(APPLE).assertion(message())),
    ],
    "counter_back": [
        lambda: iphone(count=6, given={"last_counter": 7}),
        lambda: iphone(count=7, given={"last_counter": 7}),
        lambda: iphone(count=0),
    ],
}
DOUBTED: dict[str, list[Callable[[], Attestation]]] = {
    "root_unknown": [
        lambda: android(maker=found("Nobody")),
        lambda: iphone(maker=found("Nobody")),
        lambda: android(maker=APPLE),
    ],
    "attested_by_a_key": [lambda: android(chain=vouched_for_by_a_key((7,)))],
    "no_key_description": [lambda: android(chain=nothing_said())],
    "certificate_expired": [lambda: android(chain=expired(GOOGLE))],
    "software_key": [
        lambda: android(levels=(0, 0)),
        lambda: android(levels=(1, 0)),
        lambda: android(levels=(0, 1)),
        lambda: android(levels=(3, 3)),
    ],
    "key_not_generated": [lambda: android(origin=2), lambda: android(origin=None)],
    "key_not_for_signing": [lambda: android(purposes=(0, 1))],
    "key_shared": [lambda: android(shared=True)],
    "boot_not_verified": [
        lambda: android(boot_state=1),
        lambda: android(boot_state=2),
        lambda: android(locked=False),
    ],
    "another_app": [
        lambda: android(package="org.other"),
        lambda: android(signer=bytes(32)),
        lambda: iphone(app="OTHERTEAM1.org.spotcheck.app"),
    ],
    "counter_not_zero": [lambda: iphone(counter=1)],
    "development_key": [lambda: iphone(aaguid=b"appattestdevelop")],
    "environment_unknown": [lambda: iphone(aaguid=bytes(16))],
    "no_assertion": [lambda: iphone(given={"assertion": b""})],
    "attestation_unreadable": [
        lambda: iphone(fmt="packed"),
        lambda: Attestation("apple-appattest", b""),
        lambda: Attestation("android-key", b""),
        lambda: Attestation("android-key", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        lambda: Attestation("android-key", bytes(70_000)),
        lambda: iphone(given={"assertion": b"\xa0"}),
        lambda: iphone(given={"assertion": cbor({"signature": 1, "authenticatorData": b""})}),
        lambda: iphone(given={"assertion": cbor({"signature": b"", "authenticatorData": b"short"})}),
    ],
    "format_unknown": [lambda: Attestation("tpm", b"")],
}


@pytest.mark.parametrize("reason", FORGED)
def test_what_contradicts_is_proof(decoder: Decoder, reason: str) -> None:
    for given in FORGED[reason]:
        outcome = judged(given(), decoder)
        assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, reason)


@pytest.mark.parametrize("reason", DOUBTED)
def test_what_only_lacks_abstains(decoder: Decoder, reason: str) -> None:
    for given in DOUBTED[reason]:
        outcome = judged(given(), decoder)
        assert (outcome.status, outcome.reason) == (Status.ABSTAIN, reason)


def test_certificates_are_judged_at_the_time_the_server_got_them(decoder: Decoder) -> None:
    given = android(chain=expired(GOOGLE))
    assert judged(replace(given, received_at=OLD), decoder).reason == "key_attested"
    assert (
        judged(replace(given, received_at=OLD + timedelta(days=1)), decoder).reason == "certificate_expired"
    )


def test_an_iphone_below_what_is_no_authority(decoder: Decoder) -> None:
    device, key = issued_by_a_leaf(APPLE)
    given = iphone(maker=replace(APPLE, intermediate=device, key=key))
    outcome = judged(given, decoder, trusting(apple=(APPLE.intermediate,)))
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "issuer_no_authority")


def test_a_root_is_known_by_name_and_key() -> None:
    key, other = authority.new_key(), authority.new_key()
    ours = authority.issue(None, key, "Ours", key.public_key(), authority=True)
    again = authority.issue(None, key, "Ours", key.public_key(), authority=True)
    renamed = authority.issue(None, key, "Another", key.public_key(), authority=True)
    namesake = authority.issue(None, other, "Ours", other.public_key(), authority=True)
    verify([again], [ours], at=NOON)
    with pytest.raises(Doubt, match="root_unknown"):
        verify([renamed], [ours], at=NOON)
    with pytest.raises(Forged, match="root_forged"):
        verify([namesake], [ours], at=NOON)


def test_an_assertion_speaks_of_the_attested_app(decoder: Decoder) -> None:
    """A key's assertion in the name of another app, which it holds the key of all the same."""
    both = replace(TRUST, makers=replace(TRUST.makers, apple_apps=frozenset({APP_ID, "T.other"})))
    phone = Enclave(APPLE)
    given = Attestation(
        "apple-appattest", phone.attestation(apple.enrolment(stage.spki(KEY), CHALLENGE)), key_id=phone.key_id
    )
    phone.app = "T.other"
    outcome = judged(replace(given, assertion=phone.assertion(message())), decoder, both)
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "assertion_of_another_app")


# -- revocation, trust, time ------------------------------------------------------------------------


def test_revoked_keys(decoder: Decoder) -> None:
    """A leaked keybox: the intermediate's serial number stands on the list."""
    serial = frozenset({GOOGLE.intermediate.serial_number})
    outcome = judged(android(), decoder, trusting(revoked=serial))
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "key_revoked")
    assert judged(android(), decoder, replace(TRUST, revoked=serial)).reason == "key_revoked"
    outcome = judged(android(), decoder, trusting(suspended=serial))
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "key_suspended")
    apples = frozenset({APPLE.intermediate.serial_number})
    assert judged(iphone(), decoder, replace(TRUST, revoked=apples)).reason == "key_revoked"
    assert judged(iphone(), decoder, trusting(revoked=apples)).reason == "key_attested", "another's list"


def test_without_what_it_is_judged_by(decoder: Decoder) -> None:
    assert judged(android(), decoder, TrustList()).reason == "root_unknown"
    assert judged(iphone(), decoder, TrustList()).reason == "root_unknown"
    assert judged(android(), decoder, trusting(android_apps=frozenset())).reason == "root_unknown"
    assert judged(iphone(), decoder, trusting(apple_apps=frozenset())).reason == "root_unknown"
    assert judged(android(), decoder, trusting(listed=False)).reason == "no_status_list"
    assert judged(None, decoder).reason == "no_attestation"


def test_without_what_it_is_about(decoder: Decoder) -> None:
    def without(**changes: object) -> Evidence:
        return replace(HONEST, session=replace(HONEST.session, **changes))  # type: ignore[arg-type]

    assert judged(android(), decoder, evidence=without(public_key=b"")).reason == "not_signed"
    assert judged(android(), decoder, evidence=without(signature=b"")).reason == "not_signed"
    assert judged(android(), decoder, evidence=without(nonce="")).reason == "no_challenge"
    timeless = without(committed_at=None, issued_at=None)
    assert judged(android(), decoder, evidence=timeless).reason == "no_time"
    verified = without(signature=b"", verified_upstream=True)
    assert judged(android(), decoder, evidence=verified).reason == "key_attested"


def test_a_key_of_another_curve(decoder: Decoder) -> None:
    phone = Enclave(APPLE, key=ec.generate_private_key(ec.SECP384R1()))
    told = apple.enrolment(stage.spki(KEY), CHALLENGE)
    given = Attestation("apple-appattest", phone.attestation(told), phone.assertion(message()), phone.key_id)
    assert judged(given, decoder).reason == "attestation_unreadable"


def test_outside_the_market_a_statement_has_several_forms(decoder: Decoder) -> None:
    session = replace(HONEST.session, outside=True)
    evidence = replace(HONEST, session=session)
    said = parse_statement(session.statement)
    assert said is not None
    given = iphone(asserted=canonical(said).encode())
    assert judged(given, decoder, evidence=evidence).reason == "key_attested"
    assert judged(given, decoder).reason == "assertion_not_by_key"
    unread = replace(evidence, session=replace(session, statement="no object"))
    assert judged(given, decoder, evidence=unread).reason == "assertion_not_by_key"
