"""The two small readers: what they read another library wrote or reads alike, and what they refuse."""

from __future__ import annotations

import random
from typing import Any

import cbor2
import pytest

from market.simulator import der as write
from market.simulator.attesting import cbor as written
from verification.attestation import cbor, der
from verification.attestation.errors import Malformed


def test_cbor_as_another_library_writes_it() -> None:
    dice = random.Random(3)
    for _ in range(300):
        value = _value(dice, 4)
        assert cbor.only(cbor2.dumps(value)) == value
        assert written(value) == cbor2.dumps(value)


def _value(dice: random.Random, depth: int) -> Any:
    kind = dice.randrange(5 if depth else 3)
    if kind == 0:
        return dice.choice([0, 23, 24, 255, 256, 65_535, 65_536, 2**32, 2**64 - 1])
    if kind == 1:
        return dice.randbytes(dice.choice([0, 5, 23, 24, 300, 70_000 if depth == 4 else 30]))
    if kind == 2:
        return "ü" * dice.choice([0, 3, 40])
    if kind == 3:
        return [_value(dice, depth - 1) for _ in range(dice.randrange(4))]
    return {f"key {number}": _value(dice, depth - 1) for number in range(dice.randrange(4))}


def test_cbor_negative_numbers() -> None:
    for value in (-1, -24, -25, -500, -(2**64)):
        assert cbor.only(cbor2.dumps(value)) == value


@pytest.mark.parametrize(
    ("title", "data"),
    [
        ("nothing", b""),
        ("something after it", b"\x00\x00"),
        ("cut off in a string", b"\x45abc"),
        ("cut off in a length", b"\x59\x01"),
        ("a length in more bytes than it needs", b"\x58\x05abcde"),
        ("the same in two bytes", b"\x59\x00\x05abcde"),
        ("a list of nothing that follows", b"\x84\x00"),
        ("an indefinite list", b"\x9f\x00\xff"),
        ("an indefinite string", b"\x5f\x41a\xff"),
        ("a tag", cbor2.dumps(cbor2.CBORTag(2, b"\x01"))),
        ("a float", cbor2.dumps(1.5)),
        ("true", b"\xf5"),
        ("a key that is no text", b"\xa1\x00\x00"),
        ("a key that stands twice", b"\xa2\x61a\x00\x61a\x01"),
        ("no UTF-8", b"\x61\xff"),
        ("nested too deep", b"\x81" * 9 + b"\x00"),
        ("a bomb of nesting", b"\x81" * 60_000),
        ("a list beyond all bounds", b"\x9b" + b"\xff" * 8),
        ("a string beyond all bounds", b"\x5b" + b"\xff" * 8),
    ],
)
def test_cbor_refuses(title: str, data: bytes) -> None:
    with pytest.raises(Malformed):
        cbor.only(data)


def test_der_reads_what_is_written() -> None:
    whole = write.sequence(
        write.integer(-129),
        write.integer(7, 0x0A),
        write.octets(b"x" * 300),
        write.truth(True),
        write.explicit(704, write.set_of(write.integer(1), write.integer(0))),
        write.explicit(1, write.sequence()),
    )
    parts = der.only(whole).sequence()
    assert parts[0].number() == -129
    assert parts[1].number() == 7
    assert parts[2].octets() == b"x" * 300
    assert parts[3].truth()
    assert (parts[4].kind, parts[4].tag) == (der.CONTEXT, 704)
    assert [one.number() for one in parts[4].inner()[0].set()] == [0, 1]
    assert parts[5].inner()[0].sequence() == []
    assert der.first(whole + b"more") == len(whole)


@pytest.mark.parametrize(
    ("title", "data"),
    [
        ("nothing", b""),
        ("a tag alone", b"\x30"),
        ("something after it", b"\x05\x00\x00"),
        ("cut off", b"\x04\x05abc"),
        ("cut off in a length", b"\x04\x82\x01"),
        ("an indefinite length", b"\x30\x80\x00\x00"),
        ("a length in more bytes than it needs", b"\x04\x81\x05abcde"),
        ("a length with a leading zero", b"\x04\x82\x00\x80" + bytes(128)),
        ("a length of too many bytes", b"\x04\x85\x00\x00\x00\x00\x01a"),
        ("a small tag in the long form", b"\x1f\x1e\x00"),
        ("a tag with a leading zero", b"\x1f\x80\x1f\x00"),
        ("a tag beyond all bounds", b"\x1f\xff\xff\xff\xff\x7f\x00"),
        ("a tag that never ends", b"\x1f" + b"\xff" * 3),
    ],
)
def test_der_refuses(title: str, data: bytes) -> None:
    with pytest.raises(Malformed):
        der.only(data)


@pytest.mark.parametrize(
    ("title", "take"),
    [
        ("an integer of no bytes", lambda: der.only(b"\x02\x00").number()),
        ("an integer of leading zeros", lambda: der.only(b"\x02\x02\x00\x01").number()),
        ("an integer of leading ones", lambda: der.only(b"\x02\x02\xff\xff").number()),
        ("an integer beyond all bounds", lambda: der.only(b"\x02\x0a" + b"\x01" * 10).number()),
        ("an integer that is none", lambda: der.only(b"\x04\x01\x01").number()),
        ("an integer of another class", lambda: der.only(b"\x82\x01\x01").number()),
        ("a truth that is neither", lambda: der.only(b"\x01\x01\x01").truth()),
        ("octets in pieces", lambda: der.only(b"\x24\x03\x04\x01a").octets()),
        ("a primitive sequence", lambda: der.only(b"\x10\x00").sequence()),
        ("a sequence that is a set", lambda: der.only(b"\x31\x00").sequence()),
        ("a set that is a sequence", lambda: der.only(b"\x30\x00").set()),
        ("too many values", lambda: der.only(write.sequence(b"\x05\x00" * 4_097)).sequence()),
    ],
)
def test_der_refuses_another_kind(title: str, take: Any) -> None:
    with pytest.raises(Malformed):
        take()
