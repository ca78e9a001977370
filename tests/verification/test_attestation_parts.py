"""The pieces of an attestation, malformed one at a time."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from market.simulator import der as write
from market.simulator.attesting import PRODUCTION, KeyFacts, cbor, key_attestation, pem
from market.simulator.der import explicit, integer, octets, sequence, set_of, truth
from tests.verification.phones import APPLE, CHALLENGE, GOOGLE, PUBLIC, iphone, judged
from verification.attestation import android as androids
from verification.attestation import apple, chain
from verification.attestation.cbor import only
from verification.attestation.errors import Malformed
from verification.evidence import Attestation
from verification.picture import Decoder

TEE = integer(1, 0x0A)


def laid(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(Encoding.DER) for one in certificates)


def description(
    software: bytes = sequence(), hardware: bytes = sequence(), fields: int = 8
) -> androids.Description:
    parts = (integer(300), TEE, integer(300), TEE, octets(b"challenge"), octets(b""), software, hardware)
    return androids.describe(sequence(*parts[:fields]))


def test_a_description_that_says_nothing() -> None:
    said = description()
    assert (said.levels, said.challenge, said.purposes) == ((1, 1), b"challenge", frozenset())
    assert (said.origin, said.boot, said.shared, said.packages, said.signers) == (
        None,
        None,
        False,
        frozenset(),
        frozenset(),
    )


def test_only_what_the_hardware_enforces_counts() -> None:
    boot = sequence(octets(b""), truth(True), integer(0, 0x0A))
    listed = sequence(explicit(1, set_of(integer(2))), explicit(702, integer(0)), explicit(704, boot))
    said, true = description(software=listed), description(hardware=listed)
    assert (said.purposes, said.origin, said.boot) == (frozenset(), None, None)
    assert (true.purposes, true.origin, true.boot) == (frozenset({2}), 0, androids.Boot(True, 0))
    everyone = sequence(explicit(600, b"\x05\x00"))
    assert description(software=everyone).shared
    assert description(hardware=everyone).shared


def test_entries_of_newer_versions_are_passed_over() -> None:
    said = description(hardware=sequence(explicit(702, integer(0)), explicit(799, octets(b"new"))))
    assert said.origin == 0


APPLICATION = sequence(set_of(sequence(octets(b"app"), integer(1))), set_of(octets(b"digest")))


@pytest.mark.parametrize(
    ("title", "make"),
    [
        ("too few fields", lambda: description(fields=7)),
        ("one entry twice", lambda: description(hardware=sequence(*[explicit(702, integer(0))] * 2))),
        ("an entry of another class", lambda: description(hardware=sequence(sequence(integer(0))))),
        ("two values under a tag", lambda: description(hardware=sequence(explicit(702, integer(0) * 2)))),
        (
            "a short root of trust",
            lambda: description(hardware=sequence(explicit(704, sequence(octets(b""))))),
        ),
        (
            "an application of three",
            lambda: description(
                software=sequence(explicit(709, octets(sequence(set_of(), set_of(), set_of()))))
            ),
        ),
        (
            "a package without a name",
            lambda: description(
                software=sequence(explicit(709, octets(sequence(set_of(sequence()), set_of()))))
            ),
        ),
        (
            "something after the application",
            lambda: description(software=sequence(explicit(709, octets(APPLICATION + b"\x05\x00")))),
        ),
    ],
)
def test_no_description(title: str, make: Callable[[], Any]) -> None:
    with pytest.raises(Malformed):
        make()


def test_a_chain_has_bounds() -> None:
    whole = key_attestation(GOOGLE, KeyFacts(PUBLIC, CHALLENGE))
    assert len(chain.split(laid(*[whole[0]] * 10))) == 10
    for many in (laid(*[whole[0]] * 11), pem([whole[0]] * 11), pem(whole) + b"\n" * 70_000):
        with pytest.raises(Malformed):
            chain.split(many)
    with pytest.raises(Malformed):
        chain.certificates([])


@pytest.mark.parametrize(
    ("title", "before", "after"),
    [
        ("a version that is none", b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05"),
        ("a key on an unknown curve", write.oid("1.2.840.10045.3.1.7"), write.oid("1.2.840.10045.3.1.4")),
        ("a key usage that is none", write.oid("2.5.29.15") + b"\x01", write.oid("2.5.29.15") + b"\x03"),
        ("one extension twice", write.oid("2.5.29.15"), write.oid("2.5.29.19")),
    ],
)
def test_no_certificate(title: str, before: bytes, after: bytes) -> None:
    leaf = key_attestation(GOOGLE, KeyFacts(PUBLIC, CHALLENGE))[0]
    data = laid(leaf)
    assert data.count(before) == 1
    with pytest.raises(Malformed):
        chain.split(data.replace(before, after))


def object_with(**changes: Any) -> Attestation:
    """An honest object with some of its members replaced; attStmt's under "x5c"."""
    honest = only(iphone().object)
    assert isinstance(honest, dict)
    whole: dict[str, Any] = {**honest}
    if "x5c" in changes:
        whole["attStmt"] = {"x5c": changes.pop("x5c")}
    return Attestation("apple-appattest", cbor({**whole, **changes}))


def leaf_with_nonce(value: bytes | None) -> Attestation:
    told = struct.pack(">32sBI16sH", bytes(32), 0x40, 0, PRODUCTION, 0)
    extension = [] if value is None else [(x509.UnrecognizedExtension(apple.NONCE, value), False)]
    leaf = APPLE.issue("a key", PUBLIC, extension)
    certificates = [laid(one) for one in APPLE.chain(leaf)]
    whole = {"fmt": "apple-appattest", "attStmt": {"x5c": certificates}, "authData": told}
    return Attestation("apple-appattest", cbor(whole))


HEAD = struct.pack(">32sBI", bytes(32), 0x40, 0)
UNREADABLE: dict[str, Callable[[], Attestation]] = {
    "of another format": lambda: object_with(fmt="android-key"),
    "no authenticator data": lambda: object_with(authData=7),
    "authenticator data cut off": lambda: object_with(authData=HEAD[:36]),
    "authenticator data without a key": lambda: object_with(authData=HEAD),
    "without the flag of a key": lambda: object_with(
        authData=struct.pack(">32sBI16sH", bytes(32), 0, 0, PRODUCTION, 0)
    ),
    "a credential cut off": lambda: object_with(
        authData=struct.pack(">32sBI16sH", bytes(32), 0x40, 0, PRODUCTION, 32) + bytes(31)
    ),
    "certificates that are no list": lambda: object_with(x5c=b""),
    "a certificate that is no bytes": lambda: object_with(x5c=["text", *_chain()]),
    "a certificate too few": lambda: object_with(x5c=[]),
    "no statement": lambda: object_with(attStmt=1),
    "too large": lambda: object_with(more=bytes(70_000)),
    "no nonce": lambda: leaf_with_nonce(None),
    "a nonce under another tag": lambda: leaf_with_nonce(sequence(explicit(2, octets(bytes(32))))),
    "two nonces": lambda: leaf_with_nonce(sequence(explicit(1, octets(bytes(32)) * 2))),
    "two tags": lambda: leaf_with_nonce(sequence(explicit(1, octets(b"")), explicit(1, octets(b"")))),
    "a nonce that is no octets": lambda: leaf_with_nonce(sequence(explicit(1, integer(1)))),
}


def _chain() -> list[Any]:
    honest = only(iphone().object)
    assert isinstance(honest, dict)
    statement = honest["attStmt"]
    assert isinstance(statement, dict)
    found = statement["x5c"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("title", UNREADABLE)
def test_no_attestation_object(decoder: Decoder, title: str) -> None:
    assert judged(UNREADABLE[title](), decoder).reason == "attestation_unreadable"


@pytest.mark.parametrize(
    ("title", "assertion"),
    [
        ("a list", cbor([])),
        ("another member", cbor({"signature": b"", "authenticatorData": HEAD, "more": 1})),
        ("a signature that is a number", cbor({"signature": 1, "authenticatorData": HEAD})),
        ("data that is a text", cbor({"signature": b"", "authenticatorData": "text" * 20})),
        ("data cut off", cbor({"signature": b"", "authenticatorData": HEAD[:36]})),
        ("too large", cbor({"signature": bytes(70_000), "authenticatorData": HEAD})),
    ],
)
def test_no_assertion_object(decoder: Decoder, title: str, assertion: bytes) -> None:
    assert judged(iphone(given={"assertion": assertion}), decoder).reason == "attestation_unreadable"
