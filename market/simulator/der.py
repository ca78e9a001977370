"""DER, written: just enough for the certificates' extensions and timestamps that the simulator makes."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography.x509 import ObjectIdentifier


def tlv(tag: int, *parts: bytes) -> bytes:
    """One value under a tag of one byte."""
    return _with_length(bytes([tag]), b"".join(parts))


def explicit(number: int, inner: bytes) -> bytes:
    """A value under an explicit context tag; numbers above 30 take the long form."""
    if number < 31:
        return tlv(0xA0 | number, inner)
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(number & 0x7F | 0x80)
    return _with_length(bytes([0xBF, *reversed(digits)]), inner)


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE."""
    return tlv(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    """A SET OF, in the order DER asks for."""
    return tlv(0x31, *sorted(parts))


def octets(content: bytes) -> bytes:
    """An OCTET STRING."""
    return tlv(0x04, content)


def integer(value: int, tag: int = 0x02) -> bytes:
    """An INTEGER; with tag 0x0A an ENUMERATED."""
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return tlv(tag, value.to_bytes(size, "big", signed=True))


def truth(value: bool) -> bytes:
    """A BOOLEAN."""
    return tlv(0x01, b"\xff" if value else b"\x00")


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in ObjectIdentifier(dotted).dotted_string.split("."))
    content = b""
    for arc in (40 * first + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(arc & 0x7F | 0x80)
        content += bytes(reversed(digits))
    return tlv(0x06, content)


def time(at: datetime) -> bytes:
    """A GeneralizedTime of whole seconds."""
    return tlv(0x18, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def _with_length(tag: bytes, content: bytes) -> bytes:
    if len(content) < 0x80:
        return tag + bytes([len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return tag + bytes([0x80 | len(length)]) + length + content
