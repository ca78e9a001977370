"""The client without input or output: requests as values, retries as a generator, refusals as typed errors.

A call is a generator (`Flow`). It yields a `Request` and is sent a `Reply`, or yields a `Sleep` and is
sent None; its return value is the result. A failed connection is thrown into it. Both clients drive the
same flows (`agent_sdk._doors`), so no method is written twice and a test needs neither socket nor clock.

    flow = core.call(Bounty, "GET", "/v1/bounties/bty_1")
    request = next(flow)
    flow.send(Reply(200, {}, b"..."))      # raises StopIteration with the Bounty
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeAlias, TypeVar
from urllib.parse import quote, urlencode, urljoin

from pydantic import BaseModel, JsonValue, ValidationError

from agent_sdk.errors import BadInput, ConnectionFailed, SpotcheckError, UnreadableReply, error_for

VERSION = "0.1.0"
MAX_RETRY_AFTER_S = 60.0  # a server that asks for longer gets its answer shown to the caller instead
_FIRST_BACKOFF_S, _MAX_BACKOFF_S = 0.5, 8.0
_RETRIED = frozenset({408, 429, 500, 502, 503, 504})

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, its body bytes or a file: each retry sends exactly this value again."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | Path
    timeout: float


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP response: header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Sleep:
    """A wait of so many seconds."""

    seconds: float


Effect: TypeAlias = Request | Sleep
Flow: TypeAlias = Generator[Effect, Reply | None, T]


def segment(text: str) -> str:
    """One path segment: an id from outside never adds a slash. Raises BadInput for "" and dot paths."""
    if text in ("", ".", ".."):
        raise BadInput(f"{text!r} is not an id")
    return quote(text, safe="")


def new_key() -> str:
    """A fresh Idempotency-Key."""
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Core:
    """What all calls of one client share.

    Attributes:
        base_url: of the server, without a trailing slash.
        api_key: sent as a bearer token; None for calls that need no account.
        retries: how often one call is repeated at most (>= 0).
        timeout: seconds to wait for a connection, and for each piece of a reply or a request.
        clock: monotonic seconds, for deadlines. now: wall clock, aware UTC. jitter: 0..1.
    """

    base_url: str
    api_key: str | None = field(default=None, repr=False)
    retries: int = 2
    timeout: float = 30.0
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    jitter: Callable[[], float] = random.random

    def call(
        self,
        shape: type[M],
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, JsonValue] | None = None,
        key: str | None = None,
        timeout: float | None = None,
    ) -> Flow[M]:
        """A call with a JSON answer of the given shape; see `exchange` for the arguments and errors."""
        content = None if body is None else json.dumps(body, allow_nan=False).encode()
        reply = yield from self.exchange(method, path, params=params, body=content, key=key, timeout=timeout)
        try:
            return shape.model_validate_json(reply.body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the body"
            raise UnreadableReply(
                f"{method} {path} answered {reply.status}, but {where}: {first['msg']}",
                request_id=reply.headers.get("x-request-id"),
            ) from error

    def exchange(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | Path | None = None,
        media_type: str = "application/json",
        key: str | None = None,
        timeout: float | None = None,
    ) -> Flow[Reply]:
        """One logical call: sends, and repeats what is worth repeating.

        The Idempotency-Key is made here, once, outside the loop: however often a POST is sent, the server
        acts once.

        Raises:
            SpotcheckError: the class named by the refusal's `code`.
            ConnectionFailed, TimedOut: no reply, also after the retries.
        """
        request = self._request(method, path, params, body, media_type, key, timeout)
        attempt = 0
        while True:
            try:
                reply = yield request
            except ConnectionFailed:
                if attempt >= self.retries:
                    raise
                delay = self._backoff(attempt)
            else:
                if reply is None:
                    raise RuntimeError("a driver answers a Request with a Reply")
                if reply.status < 300:
                    return reply
                wait = self._delay(reply, attempt)
                if wait is None or attempt >= self.retries:
                    raise refusal(reply, self.base_url)
                delay = wait
            yield Sleep(delay)
            attempt += 1

    def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: bytes | Path | None,
        media_type: str,
        key: str | None,
        timeout: float | None,
    ) -> Request:
        headers = {"accept": "application/json", "user-agent": f"spotcheck-sdk/{VERSION}"}
        if self.api_key:
            headers["authorization"] = f"Bearer {self.api_key}"
        if body is not None:
            headers["content-type"] = media_type
        if isinstance(body, Path):
            headers["content-length"] = str(body.stat().st_size)  # else it would be sent in chunks
        if method == "POST":
            headers["idempotency-key"] = key or new_key()
        query = f"?{urlencode(params)}" if params else ""
        url = f"{self.base_url}{path}{query}"
        return Request(method, url, headers, body or b"", timeout or self.timeout)

    def _backoff(self, attempt: int) -> float:
        """Doubling, less up to a quarter at random: clients that fell together do not return together."""
        return float(min(_MAX_BACKOFF_S, _FIRST_BACKOFF_S * 2**attempt)) * (1 - 0.25 * self.jitter())

    def _delay(self, reply: Reply, attempt: int) -> float | None:
        """Seconds to the next attempt, None when another would not help; the server's word goes first."""
        said = reply.headers.get("x-should-retry", "").lower()
        if said == "false" or (said != "true" and reply.status not in _RETRIED):
            return None
        asked = _retry_after(reply.headers.get("retry-after"), self.now())
        if asked is None:
            return self._backoff(attempt)
        return asked if asked <= MAX_RETRY_AFTER_S else None


def _retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds, from either form of RFC 9110 section 10.2.3; None when absent or unreadable."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds())


def refusal(reply: Reply, base_url: str) -> SpotcheckError:
    """The typed error of a refusing reply: from its problem JSON, else (a proxy's page) from its status."""
    body = _problem(reply.body)
    code = _text(body.get("code"))
    facts = body.get("facts")
    facts = dict(facts) if isinstance(facts, dict) else {}
    asked = reply.headers.get("retry-after", "")
    if asked.isdecimal():
        facts.setdefault("retry_after", int(asked))
    docs = _text(body.get("docs_url"))
    return error_for(code, reply.status)(
        _text(body.get("detail")) or _text(body.get("title")) or f"the server answered {reply.status}",
        code=code,
        hint=_text(body.get("hint")),
        docs_url=urljoin(f"{base_url}/", docs) if docs else None,
        request_id=_text(body.get("request_id")) or reply.headers.get("x-request-id"),
        facts=facts,
        status=reply.status,
    )


def _problem(body: bytes) -> dict[str, JsonValue]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None
