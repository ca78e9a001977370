"""Handing out a buyer's copy: whole or one range of it, and never more of it in memory than a piece."""

from __future__ import annotations

import re

from fastapi import HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from bounties.tables import Media
from core.sealing import PIECE
from core.storage import Storage

HELD = 4 * PIECE
"""What is read whole before a byte of it is sent: damage then is a 404, and not a body that ends early."""
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})", re.ASCII)


def answer(request: Request, item: Media) -> Response:
    """The bytes of a derivative. RFC 9110, section 14: one range of bytes is honoured, anything else in
    `Range` ignored, and a range beyond the end is 416. The end is where the row says: what lies there and is
    shorter or longer is damage, which no repetition mends, so neither 416 nor 503.

    Raises:
        NotFound: they are lost or damaged (which is logged).
    """
    storage: Storage = request.app.state.storage
    headers = {"Accept-Ranges": "bytes", "ETag": f'"{item.sha256}"'}
    span = _span(request, item.size, headers["ETag"])
    if span is not None:
        start, stop = span
        headers |= {
            "Content-Range": f"bytes {start}-{stop - 1}/{item.size}",
            "Content-Length": f"{stop - start}",
        }
        parts = storage.pieces(item.sha256, start, stop, size=item.size)
        return StreamingResponse(parts, 206, headers, media_type=item.media_type)
    parts = storage.pieces(item.sha256, size=item.size)
    if item.size <= HELD:
        return Response(b"".join(parts), headers=headers, media_type=item.media_type)
    headers["Content-Length"] = str(item.size)
    return StreamingResponse(parts, headers=headers, media_type=item.media_type)


def _span(request: Request, size: int, etag: str) -> tuple[int, int] | None:
    """First byte and the one after the last that are asked for; None for all of them."""
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None or request.headers.get("if-range", etag) != etag:
        return None
    first, last = asked[1], asked[2]
    if not first and not last:
        return None
    start = int(first) if first else max(0, size - int(last))
    stop = min(size, int(last) + 1) if first and last else size
    if first and last and int(last) < int(first):
        return None
    if start >= stop:
        raise HTTPException(416, "the range is beyond the end", headers={"Content-Range": f"bytes */{size}"})
    return start, stop
