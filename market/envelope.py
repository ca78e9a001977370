"""What every answer has, and the most that any request may send: an id, headers, problem JSON.

The limit on bodies is kept here and not by the framework: that one answers over it in plain text,
without a code, a hint or a request id, whatever the application wanted to say.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bounties.rules import MAX_MEDIA
from core import errors
from verification.burst_file import MAX_BYTES as MAX_BURST

MAX_JSON_BODY = 512 * 1024
_MEDIA = re.compile(r"/v1/claims/[^/]+/(media|burst)", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_CSP = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)


class Envelope:
    """Gives each request an id, cuts off bodies that are too large, sets the headers every answer has."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. A body that says how large it is is refused before a byte of it is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        request.state.id = f"req_{secrets.token_hex(10)}"
        limit, taken = body_limit(request), 0

        async def within_limit() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise HTTPException(413)  # the framework lets only its own exception out of a body's reading
            return message

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # A drawing brings a stricter one of its own.
                own = headers.get("Content-Security-Policy", _CSP)
                headers.update(_headers(request) | {"Content-Security-Policy": own})
            await send(message)

        length = request.headers.get("content-length", "0")
        if not _LENGTH.fullmatch(length) or int(length) > limit:
            await problem(request, too_large(request))(scope, receive, with_headers)
        else:
            await self._app(scope, within_limit, with_headers)


def body_limit(request: Request) -> int:
    """The most bytes this request's body may have."""
    is_media = _MEDIA.fullmatch(request.url.path) if request.method == "PUT" else None
    if is_media is None:
        return MAX_JSON_BODY
    return MAX_BURST if is_media[1] == "burst" else MAX_MEDIA


def too_large(request: Request) -> errors.TooLarge:
    """What a body over the limit is told."""
    return errors.TooLarge("the body is too large", limit=body_limit(request))


def problem(
    request: Request,
    error: errors.SpotcheckError,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Problem JSON; `status` and `headers` are the framework's own, where it has its own (405 and Allow)."""
    # The headers once more: an answer to an unforeseen fault is made outside the envelope.
    sent = {**_headers(request), **(headers or {})}
    if "retry_after" in error.facts:
        sent["Retry-After"] = str(error.facts["retry_after"])
    status = status or error.status
    body = error.problem(getattr(request.state, "id", "")) | {"status": status}
    return JSONResponse(body, status_code=status, media_type="application/problem+json", headers=sent)


def _headers(request: Request) -> dict[str, str]:
    return {
        "X-Request-Id": getattr(request.state, "id", ""),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": _CSP,
    }
