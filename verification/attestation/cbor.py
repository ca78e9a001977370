"""CBOR, as far as App Attest goes: whole numbers, bytes, texts, lists and maps with text keys, nothing else.

Tags, floats and indefinite lengths have no place in these objects, and a decoder that knows no tags cannot be
made to build dates, fractions or patterns from a stranger's bytes. Source: RFC 8949 section 3; CTAP2
canonical form forbids the same.
"""

from __future__ import annotations

from typing import TypeAlias

from verification.attestation.errors import Malformed

Value: TypeAlias = "int | bytes | str | list[Value] | dict[str, Value]"
MAX_DEPTH = 8
_MAX_ITEMS = 1_024  # of one list or map
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP = range(6)


def only(data: bytes) -> Value:
    """The one value that `data` is.

    Raises:
        Malformed: it is none, something follows it, or it is of another kind than the module names.
    """
    value, end = _at(data, 0, MAX_DEPTH)
    if end != len(data):
        raise Malformed("something follows the value")
    return value


def _at(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    kind, count, at = _head(data, at)
    if kind in {_UNSIGNED, _NEGATIVE}:
        return (count if kind == _UNSIGNED else -1 - count), at
    if kind in {_BYTES, _TEXT}:
        if at + count > len(data):
            raise Malformed("the data ends within a string")
        raw = data[at : at + count]
        return (raw if kind == _BYTES else _text(raw)), at + count
    if kind not in {_LIST, _MAP} or depth == 0 or count > _MAX_ITEMS:
        raise Malformed("a kind, a depth or a size that has no place here")
    if kind == _LIST:
        return _list(data, at, count, depth - 1)
    return _map(data, at, count, depth - 1)


def _list(data: bytes, at: int, count: int, depth: int) -> tuple[list[Value], int]:
    found: list[Value] = []
    for _ in range(count):
        value, at = _at(data, at, depth)
        found.append(value)
    return found, at


def _map(data: bytes, at: int, count: int, depth: int) -> tuple[dict[str, Value], int]:
    found: dict[str, Value] = {}
    for _ in range(count):
        key, at = _at(data, at, depth)
        if not isinstance(key, str) or key in found:
            raise Malformed("a key that is no text, or stands twice")
        found[key], at = _at(data, at, depth)
    return found, at


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Major type, its number in the shortest form, and where the content begins."""
    if at >= len(data):
        raise Malformed("the data ends where a value must begin")
    kind, short = data[at] >> 5, data[at] & 0x1F
    at += 1
    if short < 24:
        return kind, short, at
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(short, 0)
    if size == 0 or at + size > len(data):
        raise Malformed("an indefinite or cut-off length")
    count = int.from_bytes(data[at : at + size], "big")
    if count < 24 or (size > 1 and count >> (4 * size) == 0):
        raise Malformed("a length in more bytes than it needs")
    return kind, count, at + size


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("a text that is no UTF-8") from None
