"""Bytes that stand after a picture's end: how a polyglot carries its second file.

A viewer stops at the end mark; an archive reader or a browser may start behind it. Legitimate
neighbours are subtracted: further whole JPEGs behind a JPEG that has an MPF index (previews and gain
maps, CIPA DC-007), and padding of zero bytes. C2PA needs no exception: its manifest lives inside the
file (APP11, caBX, or a box of its own). HEIC and AVIF end where their last box does.
Limits: a second file hidden *inside* a metadata segment is not seen here (the buyer's copy drops it);
a motion photo, which hangs a video behind its JPEG, is refused like any other tail.
"""

from __future__ import annotations

import re
import struct

from verification.decoding.boxes import end_of_boxes

_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7]", re.DOTALL)  # in scan data: not stuffing, not a restart


def trailing_bytes(data: bytes, form: str) -> int:
    """How many bytes follow the end of the picture; padding and listed images are not counted.

    Args:
        form: "JPEG", "PNG", "WEBP", "HEIC" or "AVIF".
    """
    if form == "PNG":
        end = _png_end(data)
    elif form == "WEBP":
        size: int = struct.unpack_from("<I", data, 4)[0]
        end = 8 + size + (size & 1)
    elif form in {"HEIC", "AVIF"}:
        end, _ = end_of_boxes(data)
    else:
        end = _jpeg_end(data, 0)
        while b"MPF\x00" in data[:end] and data.startswith(b"\xff\xd8\xff", _padded(data, end)):
            end = _jpeg_end(data, _padded(data, end))
    return len(data[end:].strip(b"\x00"))


def _padded(data: bytes, position: int) -> int:
    """The first position from `position` on that holds no zero byte."""
    return len(data) - len(data[position:].lstrip(b"\x00"))


def _png_end(data: bytes) -> int:
    """Just behind the IEND chunk, or the file's end when there is none."""
    position = 8
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        position += 12 + length
        if kind == b"IEND":
            return int(position)
    return len(data)


def _jpeg_end(data: bytes, start: int) -> int:
    """Just behind the EOI of the JPEG that begins at `start`, or the file's end when there is none."""
    position = start + 2
    while (found := _MARKER.search(data, position)) is not None:
        position, marker = found.start(), data[found.start() + 1]
        if marker == 0xD9:
            return position + 2
        if marker == 0xFF:  # a fill byte: the marker begins one later
            position += 1
        elif position + 4 > len(data):
            break
        else:
            position += 2 + struct.unpack_from(">H", data, position + 2)[0]
    return len(data)
