"""DER, read strictly: tag, length and content of one value after another, in the one form DER allows.

Only what attestations and timestamps need: no schema, no indefinite lengths, nothing decoded that nobody asks
for. Each level is read when asked for, so nesting costs nothing. Source: ITU-T X.690 sections 8.1, 10 and 11.
"""

from __future__ import annotations

from dataclasses import dataclass

from verification.attestation.errors import Malformed

BOOLEAN, INTEGER, OCTETS, OID, ENUMERATED, SEQUENCE, SET = 0x01, 0x02, 0x04, 0x06, 0x0A, 0x10, 0x11
UNIVERSAL, CONTEXT = 0, 2  # classes
_MAX_TAG = 1 << 21
_MAX_VALUES = 4_096  # of one constructed value


@dataclass(frozen=True, slots=True)
class Value:
    """One value: `kind` is its class (0 universal .. 3 private), `tag` its number, `content` its bytes."""

    kind: int
    tag: int
    constructed: bool
    content: bytes

    def inner(self) -> list[Value]:
        """The values of a constructed one. Raises Malformed."""
        if not self.constructed:
            raise Malformed("a primitive value holds no others")
        return values(self.content)

    def sequence(self) -> list[Value]:
        """The values of a SEQUENCE. Raises Malformed."""
        self._must_be(SEQUENCE)
        return self.inner()

    def set(self) -> list[Value]:
        """The values of a SET. Raises Malformed."""
        self._must_be(SET)
        return self.inner()

    def octets(self) -> bytes:
        """The bytes of a primitive OCTET STRING. Raises Malformed."""
        self._must_be(OCTETS)
        return self._plain()

    def number(self) -> int:
        """An INTEGER or ENUMERATED of at most 64 bits. Raises Malformed."""
        if self.kind != UNIVERSAL or self.tag not in {INTEGER, ENUMERATED}:
            raise Malformed("no INTEGER or ENUMERATED")
        content = self._plain()
        if not 1 <= len(content) <= 9:
            raise Malformed("an integer of no or too many bytes")
        if len(content) > 1 and content[0] in {0x00, 0xFF} and (content[0] ^ content[1]) < 0x80:
            raise Malformed("an integer in more bytes than it needs")
        return int.from_bytes(content, "big", signed=True)

    def truth(self) -> bool:
        """A BOOLEAN. Raises Malformed."""
        self._must_be(BOOLEAN)
        if self._plain() not in {b"\x00", b"\xff"}:
            raise Malformed("a BOOLEAN is 00 or FF")
        return self.content == b"\xff"

    def _must_be(self, tag: int) -> None:
        if self.kind != UNIVERSAL or self.tag != tag:
            raise Malformed(f"not the universal tag {tag}")

    def _plain(self) -> bytes:
        if self.constructed:
            raise Malformed("a constructed value where a primitive one must be")
        return self.content


def only(data: bytes) -> Value:
    """The one value that `data` is. Raises Malformed."""
    value, end = _at(data, 0)
    if end != len(data):
        raise Malformed("something follows the value")
    return value


def first(data: bytes) -> int:
    """How many bytes the first value of `data` takes. Raises Malformed."""
    return _at(data, 0)[1]


def values(data: bytes) -> list[Value]:
    """The values that `data` is, at most 4,096. Raises Malformed."""
    found: list[Value] = []
    at = 0
    while at < len(data):
        if len(found) == _MAX_VALUES:
            raise Malformed("too many values")
        value, at = _at(data, at)
        found.append(value)
    return found


def _at(data: bytes, at: int) -> tuple[Value, int]:
    """The value that begins at an offset, and where it ends."""
    try:
        head = data[at]
        tag, at = _tag(data, at)
        length, at = _length(data, at)
    except IndexError:
        raise Malformed("the data ends within a header") from None
    if at + length > len(data):
        raise Malformed("the data ends within a value")
    return Value(head >> 6, tag, bool(head & 0x20), data[at : at + length]), at + length


def _tag(data: bytes, at: int) -> tuple[int, int]:
    short = data[at] & 0x1F
    at += 1
    if short < 0x1F:
        return short, at
    tag = 0
    while True:
        byte = data[at]
        at += 1
        if tag == 0 and byte == 0x80:
            raise Malformed("a tag number with leading zeros")
        tag = tag << 7 | byte & 0x7F
        if tag > _MAX_TAG:
            raise Malformed("a tag number beyond all bounds")
        if byte < 0x80:
            break
    if tag < 0x1F:
        raise Malformed("a small tag number in the long form")
    return tag, at


def _length(data: bytes, at: int) -> tuple[int, int]:
    short = data[at]
    at += 1
    if short < 0x80:
        return short, at
    size = short & 0x7F
    if not 1 <= size <= 4:
        raise Malformed("an indefinite length, or one beyond all bounds")
    length = int.from_bytes(data[at : at + size], "big")
    if data[at] == 0 or length < 0x80 or at + size > len(data):
        raise Malformed("a length in more bytes than it needs")
    return length, at + size
