"""How slowly an upload may come, and how much one account may have under way."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
import uvicorn

from bounties import rules, under_way
from bounties.rules import Kind
from bounties.tables import Claim
from core import clock, errors
from core.sealing import PIECE
from core.storage import Incoming
from tests.bounties.uploading import Claimed, claimed
from tests.inside import Inside
from tests.servers import free_port, wait_for_port

VIDEO = rules.MEDIA[Kind.VIDEO]


@pytest.fixture
def film(inside: Inside) -> Claimed:
    return claimed(inside, Kind.VIDEO)


def drip(size: int, every_s: float) -> AsyncIterator[dict[str, Any]]:
    """A body of endless pieces, one after each pause."""

    async def coming() -> AsyncIterator[dict[str, Any]]:
        while True:
            await asyncio.sleep(every_s)
            yield {"type": "http.request", "body": bytes(size), "more_body": True}

    return coming()


def test_an_upload_that_drips_is_ended_and_leaves_nothing(
    film: Claimed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each piece comes soon enough; all of them are too few. Without a least rate this would never end."""
    monkeypatch.setattr(under_way, "GRACE_S", 0.5)
    began = time.monotonic()
    assert film.stream(drip(1, 0.02), 1_000_000)[0] == 408
    assert time.monotonic() - began < 5
    assert (film.noted(), film.stored()) == ((None, 0), [])
    assert film.put(b"x", "video/mp4").status_code == 200, "and it was no delivery"
    with film.inside.database.reading() as session:
        assert session.get_one(Claim, film.id).deliveries == 1


def test_an_upload_that_pauses_is_ended_however_quick_it_was(
    film: Claimed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_way, "LONGEST_PAUSE_S", 0.2)
    assert film.stream(drip(10 * PIECE, 0.5))[0] == 408
    assert film.stream(drip(30 * PIECE, 0.01))[0] == 413, "one that comes on is heard to its limit"


def test_an_upload_is_not_waited_for_beyond_its_claim(film: Claimed) -> None:
    with film.inside.database.transaction() as session:
        session.get_one(Claim, film.id).deadline = clock.now() + timedelta(seconds=0.5)
    began = time.monotonic()
    assert film.stream(drip(PIECE, 0.1))[0] == 409
    assert time.monotonic() - began < 5


def test_a_slow_disk_is_not_the_senders_fault(film: Claimed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_way, "GRACE_S", 0.3)
    write = Incoming.write

    def slow(upload: Incoming, data: bytes) -> None:
        time.sleep(0.2)
        write(upload, data)

    monkeypatch.setattr(Incoming, "write", slow)
    monkeypatch.setattr(under_way, "LEAST_RATE", 1 << 40)

    async def coming() -> AsyncIterator[dict[str, Any]]:
        for more in (True, True, True, True, False):
            await asyncio.sleep(0.01)
            yield {"type": "http.request", "body": bytes(PIECE), "more_body": more}

    assert film.stream(coming())[0] == 200


@pytest.mark.parametrize(("why", "status"), [("slow", 408), ("over", 409)])
def test_one_who_is_told_so_is_hung_up_on(
    film: Claimed, monkeypatch: pytest.MonkeyPatch, why: str, status: int
) -> None:
    """On a real server: the typed error comes, and with it the end of the connection."""
    if why == "slow":
        monkeypatch.setattr(under_way, "GRACE_S", 0.5)
    else:
        with film.inside.database.transaction() as session:
            session.get_one(Claim, film.id).deadline = clock.now() + timedelta(seconds=2)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(film.inside.app, port=port, log_level="error", lifespan="off"))
    serving = threading.Thread(target=server.run, daemon=True)
    serving.start()
    wait_for_port(port)
    with socket.create_connection(("127.0.0.1", port), 10) as line:
        line.sendall(
            f"PUT {film.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {film.key}\r\n"
            "Content-Type: video/mp4\r\nContent-Length: 1000000\r\n\r\nx".encode()
        )
        answer = b""
        while piece := line.recv(65_536):  # to the end: a line left open would time out
            answer += piece
    server.should_exit = True
    serving.join(10)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"connection: close" in head.lower()
    said = json.loads(body)
    if why == "slow":
        facts = {"received": 1, "least_bytes_a_second": under_way.LEAST_RATE, "longest_pause_s": 60.0}
        assert (said["code"], said["facts"]) == ("UploadTooSlow", facts)


def test_one_account_has_only_so_much_under_way(inside: Inside) -> None:
    """Another has its own, and what has ended makes room."""
    mine, others = claimed(inside, Kind.VIDEO), claimed(inside, Kind.VIDEO)
    whole = {"type": "http.request", "body": b"x", "more_body": False}

    async def together() -> list[int]:
        reached, ends = [asyncio.Event(), asyncio.Event()], asyncio.Event()

        async def held(number: int) -> AsyncIterator[dict[str, Any]]:
            reached[number].set()
            await ends.wait()
            yield whole

        first = [asyncio.create_task(mine.talk(held(number), VIDEO.limit)) for number in (0, 1)]
        await asyncio.gather(*[event.wait() for event in reached])
        third = [await mine.talk(iter([whole]), 1), await others.talk(iter([whole]), VIDEO.limit)]
        ends.set()
        last = [*await asyncio.gather(*first), await mine.talk(iter([whole]), VIDEO.limit)]
        return [status for status, _ in third + last]

    assert asyncio.run(together()) == [429, 200, 200, 200, 200]


def test_places_are_counted_in_uploads_and_bytes_and_given_back() -> None:
    places = under_way.UnderWay()
    with ExitStack() as held:
        for _ in range(under_way.MOST_UPLOADS):
            held.enter_context(places.place("acc_1", 1))
        for account, size in (("acc_1", 1), ("acc_2", under_way.MOST_BYTES + 1)):
            with pytest.raises(errors.TooMany) as caught, places.place(account, size):
                pass
            assert caught.value.facts["retry_after"] == under_way.RETRY_AFTER_S
        held.enter_context(places.place("acc_2", under_way.MOST_BYTES))
    with places.place("acc_1", under_way.MOST_BYTES):
        pass
    assert not places._uploads
    assert not places._bytes
