"""The outer walls of a film's file: what it is, whether it is whole, and what stands behind its end.

MP4 and MOV are boxes one behind another (ISO/IEC 14496-12, 4.2), WebM is an EBML header and a Segment (RFC
8794, RFC 9559). FFmpeg skips what it does not know and starts where it likes, so a second file could hide
before, between or behind; here every byte at the top level must belong to a box.
Limits: what hides *inside* a box (a `free` box, an unknown `uuid`) is not seen; the buyer's copy drops it.
A WebM that a browser recorded live has a Segment of unknown size: its tail cannot be told from more of it.
"""

from __future__ import annotations

import struct

_EBML, _SEGMENT, _VOID = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", 0xEC
_FIRST = (b"ftyp", b"wide", b"moov", b"mdat", b"free", b"skip")
_ONCE = (b"ftyp", b"moov")
_MAX_BOXES = 20_000  # at the top level: a fragmented film of 25 s has some hundred


def form_of(data: bytes) -> str:
    """ "MP4" (and MOV), "WEBM" (and Matroska), or "" for anything else."""
    if data[4:8] in _FIRST:
        return "MP4"
    return "WEBM" if data.startswith(_EBML) else ""


def walls(data: bytes, form: str) -> tuple[int, bool]:
    """Bytes at the end that belong to no box (zero bytes are padding), and whether the file is cut off.

    Args:
        form: as `form_of` said.
    """
    end, cut = end_of_boxes(data) if form == "MP4" else _webm(data)
    return (0 if cut else len(data[end:].strip(b"\x00"))), cut


def end_of_boxes(data: bytes) -> tuple[int, bool]:
    """Where the last whole box ends, and whether one is longer than the file.

    A second `ftyp` or `moov` ends the film: it begins another, which another program may show.
    """
    at = 0
    seen: set[bytes] = set()
    for _ in range(_MAX_BOXES):
        if at + 8 > len(data):
            break
        size, kind = struct.unpack_from(">I4s", data, at)
        if size == 1 and at + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + 8)
        elif size == 0 and kind in _FIRST:  # to the end of the file
            size = len(data) - at
        if kind in _ONCE and kind in seen:
            break
        seen.add(kind)
        if size < 8 or not kind.replace(b"\xa9", b"c").isalnum():
            break
        if at + size > len(data):
            return at, True
        at += size
    return at, False


def _webm(data: bytes) -> tuple[int, bool]:
    """The same for an EBML header, a Segment, and Void elements between and behind."""
    at, segments = 0, 0
    while at < len(data):
        is_segment = data.startswith(_SEGMENT, at)
        if not (at == 0 or is_segment or data[at] == _VOID):
            break
        body, size = _size(data, at + (1 if data[at] == _VOID else 4))
        segments += is_segment
        if segments > 1 or body == 0:
            break
        if size is None:
            return len(data), False
        if body + size > len(data):
            return at, True
        at = body + size
    return at, False


def _size(data: bytes, at: int) -> tuple[int, int | None]:
    """Where an element's body begins, and its size (None: unknown); (0, 0) where there is none."""
    first = data[at] if at < len(data) else 0
    length = 9 - first.bit_length()
    if not first or at + length > len(data):
        return 0, 0
    value = int.from_bytes(data[at : at + length], "big") - (1 << (7 * length))
    return at + length, None if value == (1 << (7 * length)) - 1 else value
