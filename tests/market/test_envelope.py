"""What every answer has, whoever makes it, and what is said to bodies that are too large or cut off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx2
import pytest

from bounties import rules
from core.accounts.rules import Kind
from core.db import Database
from market.envelope import MAX_JSON_BODY
from tests.every.trade import person, trade
from tests.inside import Inside, is_problem

JSON = {"Content-Type": "application/json"}
JPEG = {"Content-Type": "image/jpeg"}
MAX_PHOTO = rules.MEDIA[rules.Kind.PHOTO].limit


@pytest.fixture
def claimed(inside: Inside) -> tuple[str, str]:
    """The path that takes a live claim's media, and its contributor's key."""
    contributor, _, key = person(inside)
    ids = trade(inside, inside.key(Kind.AGENT), contributor)
    return f"/v1/claims/{ids['claim_id']}/media", key


def assert_too_large(answer: httpx2.Response, limit: int) -> None:
    assert (answer.status_code, is_problem(answer)) == (413, True), answer.text[:200]
    assert (answer.json()["code"], answer.json()["facts"]) == ("TooLarge", {"limit": limit})
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"]


def chunks(size: int) -> Iterator[bytes]:
    """A body of unstated length."""
    for _ in range(size // 65_536 + 1):
        yield b" " * 65_536


def test_json_over_the_limit_is_a_problem_however_it_is_sent(inside: Inside) -> None:
    key = inside.key(Kind.AGENT)
    for body in (b" " * 600_000, chunks(600_000)):
        answer = inside.send("POST", "/v1/deposits", key, content=body, headers=JSON)
        assert_too_large(answer, MAX_JSON_BODY)


def test_media_over_its_limit_is_a_problem_however_it_is_sent(
    inside: Inside, claimed: tuple[str, str]
) -> None:
    path, key = claimed
    for body in (bytes(MAX_PHOTO + 1), chunks(MAX_PHOTO)):
        answer = inside.send("PUT", path, key, content=body, headers=JPEG)
        assert_too_large(answer, MAX_PHOTO)


def test_media_may_be_larger_than_json(inside: Inside, claimed: tuple[str, str]) -> None:
    path, key = claimed
    answer = inside.send("PUT", path, key, content=bytes(MAX_JSON_BODY + 1), headers=JPEG)
    assert (answer.status_code, answer.json()["size"]) == (200, MAX_JSON_BODY + 1)


@pytest.mark.parametrize("length", ["-1", "+5", "1_0", "\u00b2", "x", "9" * 5000])
def test_a_length_that_is_none_is_refused(inside: Inside, length: str) -> None:
    headers = {b"Content-Length": length.encode("latin-1"), b"Idempotency-Key": b"one"}
    answer = inside.client.post("/v1/accounts", content=b"{}", headers=headers)
    assert (answer.status_code, is_problem(answer)) == (413, True)


def test_no_more_than_the_limit_is_read(inside: Inside) -> None:
    """The rest of a body that is too large is left with the sender."""
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 65_536
        return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

    headers = [(b"content-type", b"application/json"), (b"idempotency-key", b"one")]
    assert answered(inside, "POST", "/v1/accounts", headers, receive) == 413
    assert read <= MAX_JSON_BODY + 65_536


def test_an_upload_cut_off_is_no_fault_of_the_server(
    inside: Inside, claimed: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    path, key = claimed
    coming = iter([{"type": "http.request", "body": b"\xff\xd8", "more_body": True}])

    async def receive() -> dict[str, Any]:
        return next(coming, {"type": "http.disconnect"})

    headers = [(b"authorization", b"Bearer " + key.encode()), (b"content-type", b"image/jpeg")]
    with caplog.at_level(logging.WARNING):
        assert answered(inside, "PUT", path, headers, receive) == 400
    assert not caplog.records


def answered(inside: Inside, method: str, path: str, headers: list[tuple[bytes, bytes]], receive: Any) -> int:
    """The status the application answers with when it reads its body from `receive`."""
    found: list[int] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            found.append(message["status"])

    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
        "query_string": b"", "headers": headers, "client": ("127.0.0.1", 1), "server": ("test", 80),
        "scheme": "http", "root_path": "", "asgi": {"version": "3.0"},
    }  # fmt: skip
    asyncio.run(inside.app(scope, receive, send))
    return found[0]


def test_an_unforeseen_fault_has_the_same_headers(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Database) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Database, "reading", broken)
    answer = inside.client.get("/readyz")
    assert (answer.status_code, is_problem(answer)) == (500, True)
    ours = {"x-request-id", "x-content-type-options", "referrer-policy", "content-security-policy"}
    assert ours <= set(answer.headers)
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"]


def test_headers_stand_once_on_every_answer(inside: Inside) -> None:
    for path in ("/healthz", "/", "/v1/me", "/no/such/page"):
        answer = inside.client.get(path)
        for name in ("X-Request-Id", "Content-Security-Policy"):
            assert len(answer.headers.get_list(name)) == 1, path
