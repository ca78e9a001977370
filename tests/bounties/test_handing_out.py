"""Media on its way out: whole, one range of it, and what is said when it is not there as it was."""

from __future__ import annotations

import secrets

import pytest

from bounties.tables import Media
from core.accounts.rules import Kind as AccountKind
from core.sealing import PIECE
from tests.every.trade import person, trade
from tests.inside import Inside, is_problem


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


@pytest.mark.parametrize("lies", [0, PIECE, -1])
@pytest.mark.parametrize("asked", [None, "bytes=0-9", "bytes=1500000-1500009", "bytes=-5"])
def test_what_lies_there_shorter_than_it_was_is_damage_and_not_an_outage(
    inside: Inside,
    delivered: tuple[str, str, bytes],
    lies: int,
    asked: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A 503 would be asked for again and again; and no answer may begin that cannot be what it says."""
    path, key, data = delivered
    sha256 = path.rsplit("/", 1)[1]
    (inside.home / "storage" / "blobs" / sha256[:2] / sha256).write_bytes(data[:lies])
    answer = inside.send("GET", path, key, headers={"Range": asked} if asked else {})
    assert (answer.status_code, answer.json()["code"], is_problem(answer)) == (404, "NotFound", True)
    assert "damaged" in answer.json()["detail"]
    assert any(sha256 in record.message for record in caplog.records if record.levelname == "ERROR")
    beyond = inside.send("GET", path, key, headers={"Range": f"bytes={len(data)}-"})
    assert beyond.status_code == 416, "beyond what the row says there is nothing, whatever lies there"


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
