"""Media on its way in and out: what each kind takes, what is told to the rest, and what is left behind."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from bounties import rules, under_way
from bounties.rules import Kind, StreamTerms
from bounties.submissions import MAX_BEGUN, MAX_DELIVERIES, check_upload
from bounties.tables import Claim, Media
from core import clock, errors
from core.accounts.rules import DeviceKind
from core.accounts.rules import Kind as AccountKind
from core.accounts.service import authenticate
from core.accounts.tables import Device
from core.db import Database
from core.sealing import PIECE
from core.storage import Incoming
from tests.bounties import scene
from tests.bounties.test_settlement import buyer
from tests.every.trade import person, trade
from tests.inside import Inside, is_problem
from tests.servers import free_port, wait_for_port

VIDEO, PHOTO = rules.MEDIA[Kind.VIDEO], rules.MEDIA[Kind.PHOTO]


@pytest.fixture
def inside(blank_sqlite: Path, tmp_path: Path) -> Iterator[Inside]:
    (tmp_path / "house.db").write_bytes(blank_sqlite.read_bytes())
    market = Inside(f"sqlite:///{tmp_path / 'house.db'}", tmp_path / "home")
    yield market
    market.close()


@dataclass
class Claimed:
    """A live claim and its contributor's key."""

    inside: Inside
    id: str
    key: str

    @property
    def path(self) -> str:
        """Where its media goes."""
        return f"/v1/claims/{self.id}/media"

    def put(self, body: Any, media_type: str) -> httpx2.Response:
        """Uploads."""
        return self.inside.send(
            "PUT", self.path, self.key, content=body, headers={"Content-Type": media_type}
        )

    def stored(self) -> list[Path]:
        """Every file in the storage."""
        return [path for path in (self.inside.home / "storage").rglob("*") if path.is_file()]

    def noted(self) -> tuple[str | None, int]:
        """The media that the claim names, and how many originals are known."""
        with self.inside.database.reading() as session:
            named = session.get_one(Claim, self.id).media_sha256
        return named, self.inside.counts()["originals"]

    def stream(
        self, coming: Iterator[Any] | AsyncIterator[Any], length: int | None = None, form: str = "video/mp4"
    ) -> tuple[int, int]:
        """Sends messages as a server would; gives the status and how many bytes were read."""
        return asyncio.run(self.talk(coming, length, form))

    async def talk(
        self, coming: Iterator[Any] | AsyncIterator[Any], length: int | None = None, form: str = "video/mp4"
    ) -> tuple[int, int]:
        """The same, beside others."""
        read, found = 0, 0

        async def receive() -> dict[str, Any]:
            nonlocal read
            message: dict[str, Any] = next(coming) if isinstance(coming, Iterator) else await anext(coming)
            read += len(message.get("body", b""))
            return message

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal found
            if message["type"] == "http.response.start":
                found = message["status"]

        headers = [(b"authorization", b"Bearer " + self.key.encode()), (b"content-type", form.encode())]
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        scope = {
            "type": "http", "http_version": "1.1", "method": "PUT", "path": self.path, "query_string": b"",
            "raw_path": self.path.encode(), "headers": headers, "client": ("127.0.0.1", 1),
            "server": ("test", 80), "scheme": "http", "root_path": "", "asgi": {"version": "3.0"},
        }  # fmt: skip
        await self.inside.app(scope, receive, send)
        return found, read


def claimed(inside: Inside, kind: Kind) -> Claimed:
    contributor, _, key = person(inside)
    now = clock.now()
    wanted = scene.ask(kind=kind, opens_at=now, closes_at=now + scene.LEASE * 60)
    with inside.database.transaction() as session:
        _, buys = authenticate(session, inside.key(AccountKind.AGENT))
        bounty = scene.post(session, buys, wanted, now=now)
        claim = scene.claim(session, contributor, bounty, now=now)
        return Claimed(inside, claim.id, key)


@pytest.fixture
def film(inside: Inside) -> Claimed:
    return claimed(inside, Kind.VIDEO)


@pytest.mark.parametrize("form", ["video/mp4", "video/webm;codecs=vp8", "Video/QuickTime ; codecs=hvc1"])
def test_a_videos_types_are_taken_with_their_codecs(film: Claimed, form: str) -> None:
    data = secrets.token_bytes(3 * PIECE + 5)
    answer = film.put(data, form)
    assert (answer.status_code, answer.json()["size"]) == (200, len(data)), answer.text
    assert film.noted() == (answer.json()["sha256"], 1)
    assert film.inside.app.state.storage.unseal(answer.json()["sha256"]) == data
    with film.inside.database.reading() as session:
        assert session.get_one(Claim, film.id).media_type == form.partition(";")[0].strip().lower()


@pytest.mark.parametrize(
    "form", ["image/jpeg", "video/x-msvideo", "application/zip", "text/html", "", "video"]
)
def test_another_type_is_refused_before_a_byte_is_read(film: Claimed, form: str) -> None:
    answer = film.put(b"x", form)
    assert (answer.status_code, answer.json()["code"], is_problem(answer)) == (400, "BadInput", True)
    assert answer.json()["facts"]["allowed"] == sorted(VIDEO.types)
    assert film.noted() == (None, 0)


def test_a_photo_bounty_takes_no_video(inside: Inside) -> None:
    answer = claimed(inside, Kind.PHOTO).put(b"x", "video/mp4")
    assert (answer.status_code, answer.json()["facts"]["allowed"]) == (400, sorted(PHOTO.types))


def test_nothing_is_no_upload(film: Claimed) -> None:
    answer = film.put(b"", "video/mp4")
    assert (answer.status_code, answer.json()["code"]) == (400, "BadInput")
    assert (film.noted(), film.stored()) == ((None, 0), [])


def test_a_video_may_be_larger_than_a_photo_and_each_has_its_limit(inside: Inside, film: Claimed) -> None:
    large = bytes(PHOTO.limit + 1)
    assert film.put(large, "video/mp4").status_code == 200
    refused = claimed(inside, Kind.PHOTO).put(large, "image/jpeg")
    assert (refused.status_code, refused.json()["code"]) == (413, "TooLarge")
    assert refused.json()["facts"] == {"limit": PHOTO.limit}


def test_a_photo_of_unstated_length_is_cut_off_at_its_own_limit(inside: Inside) -> None:
    photo = claimed(inside, Kind.PHOTO)
    refused = photo.put((bytes(65_536) for _ in range(PHOTO.limit // 65_536 + 2)), "image/jpeg")
    assert (refused.status_code, refused.json()["facts"]) == (413, {"limit": PHOTO.limit})
    assert (photo.noted(), photo.stored()) == ((None, 0), [])


def test_a_video_that_says_it_is_too_large_is_refused_unread(film: Claimed) -> None:
    nothing = iter([{"type": "http.request", "body": b"x" * 65_536, "more_body": True}])
    assert film.stream(nothing, VIDEO.limit + 1) == (413, 0)


def test_a_photo_that_says_it_is_too_large_is_refused_unread(inside: Inside) -> None:
    """Though a video may be as large: the limit is its kind's."""
    nothing = iter([{"type": "http.request", "body": b"x" * 65_536, "more_body": True}])
    assert claimed(inside, Kind.PHOTO).stream(nothing, PHOTO.limit + 1, "image/jpeg") == (413, 0)


def test_a_video_that_turns_out_too_large_is_cut_off_and_leaves_nothing(film: Claimed) -> None:
    def endless() -> Iterator[dict[str, Any]]:
        body = bytes(4 * PIECE)
        while True:
            yield {"type": "http.request", "body": body, "more_body": True}

    status, read = film.stream(endless())
    assert status == 413
    assert VIDEO.limit < read <= VIDEO.limit + 4 * PIECE
    assert (film.noted(), film.stored()) == ((None, 0), [])


def test_an_upload_cut_off_leaves_nothing(film: Claimed) -> None:
    half = {"type": "http.request", "body": secrets.token_bytes(3 * PIECE), "more_body": True}
    assert film.stream(iter([half, half, {"type": "http.disconnect"}]), 20 * PIECE)[0] == 400
    assert (film.noted(), film.stored()) == ((None, 0), [])
    assert film.put(b"the whole", "video/mp4").status_code == 200


def test_uploads_are_counted_and_refused_types_are_not(film: Claimed) -> None:
    for _ in range(MAX_DELIVERIES + 1):
        assert film.put(b"x", "image/gif").status_code == 400
    statuses = [film.put(b"x", "video/mp4").status_code for _ in range(MAX_DELIVERIES + 1)]
    assert statuses == [200] * MAX_DELIVERIES + [429]


def test_uploads_that_the_network_cut_off_are_no_deliveries_but_not_without_end(film: Claimed) -> None:
    part = {"type": "http.request", "body": b"half a film", "more_body": True}
    for _ in range(MAX_DELIVERIES + 1):
        assert film.stream(iter([part, {"type": "http.disconnect"}]))[0] == 400
    assert film.put(b"the whole", "video/mp4").status_code == 200
    for _ in range(MAX_BEGUN - MAX_DELIVERIES - 2):
        assert film.stream(iter([part, {"type": "http.disconnect"}]))[0] == 400
    assert film.stream(iter([part, {"type": "http.disconnect"}]))[0] == 429


@pytest.mark.parametrize("body", [b"", bytes(VIDEO.limit + 1)], ids=["empty", "too large for anybody"])
def test_what_is_refused_for_what_it_is_counts_as_delivered(film: Claimed, body: bytes) -> None:
    with film.inside.database.transaction() as session:
        session.get_one(Claim, film.id).deliveries = MAX_DELIVERIES - 1
    assert film.stream(iter([{"type": "http.request", "body": body, "more_body": False}]))[0] in {400, 413}
    assert film.put(b"x", "video/mp4").status_code == 429


def test_uploads_begun_side_by_side_are_not_all_kept(film: Claimed) -> None:
    """They are counted again when they are whole."""

    def meanwhile() -> Iterator[dict[str, Any]]:
        with film.inside.database.transaction() as session:
            session.get_one(Claim, film.id).deliveries = MAX_DELIVERIES
        yield {"type": "http.request", "body": b"x", "more_body": False}

    assert film.stream(meanwhile())[0] == 429
    assert (film.noted(), film.stored()) == ((None, 0), [])


# -- how slowly, and how much at once --------------------------------------------------------------


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
    assert film.put(iter([bytes(PIECE)] * 4), "video/mp4").status_code == 200


def test_one_who_is_told_so_is_hung_up_on(film: Claimed, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a real server: the typed error comes, and with it the end of the connection."""
    monkeypatch.setattr(under_way, "GRACE_S", 0.5)
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
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in head.lower()
    said = json.loads(body)
    assert (said["code"], said["facts"]["received"]) == ("UploadTooSlow", 1)
    assert said["facts"]["least_bytes_a_second"] == under_way.LEAST_RATE


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


def test_a_stream_has_no_media(database: Database) -> None:
    key = buyer(database)
    terms = StreamTerms("Cel", 0.0, 1.0, 1, 0.0)
    with database.transaction() as session:
        bounty = scene.post(session, key, scene.ask(kind=Kind.STREAM, stream=terms))
        probe = scene.new_person(session)
        session.get_one(Device, probe.device).kind = DeviceKind.INSTRUMENT
        claim = scene.claim(session, probe, bounty)
        with pytest.raises(errors.BadInput, match="no media"):
            check_upload(session, claim, "image/jpeg", 1)


# -- out -------------------------------------------------------------------------------------------


@pytest.fixture(params=[3 * PIECE, 5 * PIECE + 3])
def delivered(inside: Inside, request: pytest.FixtureRequest) -> tuple[str, str, bytes]:
    """The path of an observation's media of one size, its buyer's key, and the bytes."""
    contributor, _, _ = person(inside)
    key = inside.key(AccountKind.AGENT)
    ids = trade(inside, key, contributor)
    data = secrets.token_bytes(request.param)
    sha256 = inside.app.state.storage.put(data)
    with inside.database.transaction() as session:
        session.add(
            Media(
                capture=ids["capture_id"], sha256=sha256, role="derivative", media_type="video/webm",
                size=len(data),
            )
        )  # fmt: skip
    return f"/v1/observations/{ids['observation_id']}/media/{sha256}", key, data


def test_the_buyer_gets_all_of_it(inside: Inside, delivered: tuple[str, str, bytes]) -> None:
    path, key, data = delivered
    answer = inside.send("GET", path, key)
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["Content-Type"] == "video/webm"
    assert answer.headers["Content-Length"] == str(len(data))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"] == f'"{path.rsplit("/", 1)[1]}"'


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-0", 0, 1), ("bytes=5-9", 5, 10), ("bytes=1000-", 1000, None), ("bytes=-7", -7, None),
     ("bytes=2-99999999999", 2, None), ("bytes=-99999999999", 0, None)],
)  # fmt: skip
def test_one_range_is_honoured(
    inside: Inside, delivered: tuple[str, str, bytes], asked: str, first: int, last: int | None
) -> None:
    path, key, data = delivered
    answer = inside.send("GET", path, key, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, data[first:last])
    start = first % len(data) if first else 0
    assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(answer.content) - 1}/{len(data)}"


@pytest.mark.parametrize(
    "asked", ["bytes=", "bytes=-", "bytes=9-5", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "bytes=0-1 "]
)
def test_a_range_that_is_none_is_ignored(
    inside: Inside, delivered: tuple[str, str, bytes], asked: str
) -> None:
    path, key, data = delivered
    answer = inside.send("GET", path, key, headers={"Range": asked})
    assert (answer.status_code, len(answer.content)) in {(200, len(data)), (206, 2)}
    assert answer.content == data[: len(answer.content)]


def test_a_range_of_another_version_is_ignored(inside: Inside, delivered: tuple[str, str, bytes]) -> None:
    path, key, _ = delivered
    for tag, status in (('"other"', 200), (f'"{path.rsplit("/", 1)[1]}"', 206)):
        answer = inside.send("GET", path, key, headers={"Range": "bytes=0-9", "If-Range": tag})
        assert answer.status_code == status


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_a_problem(
    inside: Inside, delivered: tuple[str, str, bytes], asked: str
) -> None:
    path, key, data = delivered
    answer = inside.send("GET", path, key, headers={"Range": asked})
    assert (answer.status_code, is_problem(answer)) == (416, True)
    assert answer.headers["Content-Range"] == f"bytes */{len(data)}"


def test_nobody_else_gets_a_part_either(inside: Inside, delivered: tuple[str, str, bytes]) -> None:
    path, _, _ = delivered
    answer = inside.send("GET", path, inside.key(AccountKind.AGENT), headers={"Range": "bytes=0-9"})
    assert answer.status_code == 404


def test_lost_bytes_are_not_found(inside: Inside, delivered: tuple[str, str, bytes]) -> None:
    path, key, _ = delivered
    sha256 = path.rsplit("/", 1)[1]
    (inside.home / "storage" / "blobs" / sha256[:2] / sha256).unlink()
    for headers in ({}, {"Range": "bytes=0-9"}):
        answer = inside.send("GET", path, key, headers=headers)
        assert (answer.status_code, is_problem(answer)) == (404, True)
