"""The memory on real SQLite and real Postgres: kept once, asked only about the past."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select

from core.db import Database
from core.geo import Spot
from core.storage import Storage
from tests.fakes.seeing import BlindEngine
from tests.verification import stage
from tests.verification.eyes import engine, picture, sample
from verification.evidence import Evidence
from verification.matching import pdq
from verification.matching.hash_index import FAR
from verification.matching.pdq import Pixels
from verification.matching.registration import look
from verification.memory import PastSpot, PictureMemory
from verification.tables import Remembered


@pytest.fixture(params=["database", "postgres"])
def either(request: pytest.FixtureRequest) -> Database:
    """Both engines; the nets are not the subject here, so a blind one will do."""
    opened: Database = request.getfixturevalue(request.param)
    return opened


def memory_on(database: Database, tmp_path: Path) -> PictureMemory:
    return PictureMemory(database, Storage(f"file://{tmp_path}/blobs", bytes(32)), BlindEngine())


def capture(
    order: int, *, bounty: str = "b", account: str = "a", spot: Spot | None = stage.GREENWICH
) -> Evidence:
    lat, lon = (spot.lat, spot.lon) if spot else (None, None)
    evidence = stage.photo(f"{order}".encode(), say={"lat": lat, "lon": lon}, ask=stage.terms(bounty=bounty))
    session = replace(evidence.session, account=account, committed_at=stage.NOON + timedelta(minutes=order))
    return replace(evidence, capture=f"cap {order}", order=order, session=session)


def names(found: object) -> list[str]:
    assert isinstance(found, list)
    return [past.capture for past in found]


SCENES: list[Pixels] = [sample(name) for name in ("astronaut", "coffee", "chelsea", "rocket")]


def test_remembering_is_idempotent(either: Database, tmp_path: Path) -> None:
    memory = memory_on(either, tmp_path)
    for _ in range(2):
        memory.remember(capture(1), picture(SCENES[0]))
    memory_on(either, tmp_path).remember(capture(1), picture(SCENES[0]))
    with either.reading() as session:
        assert session.scalar(select(func.count()).select_from(Remembered)) == 1


def test_many_workers_may_remember_the_same_captures_at_once(either: Database, tmp_path: Path) -> None:
    memories = [memory_on(either, tmp_path) for _ in range(4)]
    jobs = [(memory, order) for order in range(1, 7) for memory in memories]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda job: job[0].remember(capture(job[1]), picture(SCENES[job[1] % 4])), jobs))
    with either.reading() as session:
        assert session.scalar(select(func.count()).select_from(Remembered)) == 6


def test_two_captures_cannot_share_an_order(either: Database, tmp_path: Path) -> None:
    memory = memory_on(either, tmp_path)
    memory.remember(capture(1), None)
    with pytest.raises(Exception, match=r"(?i)unique"):
        memory.remember(replace(capture(1), capture="another"), None)


def test_same_bytes_finds_earlier_ones_only(either: Database, tmp_path: Path) -> None:
    memory = memory_on(either, tmp_path)
    for order in (1, 2, 3):
        memory.remember(replace(capture(order), media_sha256="ab" * 32), None)
    assert names(memory.same_bytes("ab" * 32, 3)) == ["cap 1", "cap 2"]
    assert names(memory.same_bytes("ab" * 32, 1)) == []
    assert names(memory.same_bytes("cd" * 32, 9)) == []


def test_nearest_looks_backwards_only_and_takes_in_what_came_since(either: Database, tmp_path: Path) -> None:
    memory = memory_on(either, tmp_path)
    memory.remember(capture(1), picture(SCENES[0]))
    memory.remember(capture(2), picture(SCENES[1]))
    views = pdq.query_views(SCENES[0])
    assert names(memory.nearest(views, 1, 8)) == []
    assert names(memory.nearest(views, 2, 8)) == ["cap 1"]
    memory_on(either, tmp_path).remember(capture(3), picture(SCENES[0][:, ::-1].copy()))
    found = memory.nearest(views, 4, 8)
    assert names(found)[:2] == ["cap 1", "cap 3"]
    assert (found[0].distance, found[0].way) == (0, 0)
    assert found[1].way == 1, "mirrored left-right"
    assert found[1].distance is not None
    assert found[1].distance <= 4
    assert names(memory.nearest(views, 2, 8)) == ["cap 1"], "an earlier question again"


def test_orders_remembered_late_are_found(either: Database, tmp_path: Path) -> None:
    memory, other = memory_on(either, tmp_path), memory_on(either, tmp_path)
    memory.remember(capture(1), picture(SCENES[0]))
    other.remember(capture(3), picture(SCENES[2]))
    assert names(memory.nearest(pdq.query_views(SCENES[0]), 2, 8)) == ["cap 1"]
    other.remember(capture(2), picture(SCENES[1]))
    assert "cap 2" in names(memory.nearest(pdq.query_views(SCENES[1]), 4, 8))
    assert "cap 3" in names(memory.nearest(pdq.query_views(SCENES[2]), 4, 8))


def test_the_index_agrees_with_a_plain_count(database: Database, tmp_path: Path) -> None:
    memory = memory_on(database, tmp_path)
    crops = [
        SCENES[n % 4][n : 200 + n, 2 * n : 250 + 2 * n].copy() for n in range(70)
    ]  # more than the first room
    for order, rgb in enumerate(crops, start=1):
        memory.remember(capture(order), picture(rgb))
    views = pdq.query_views(crops[33])
    plain = []
    for order, rgb in enumerate(crops, start=1):
        index, sought = pdq.index_views(rgb)[:, None], views.reshape(1, -1, 4)
        distances = np.bitwise_count(index ^ sought).sum(axis=2)
        if distances.min() <= FAR:
            plain.append((int(distances.min()), order))
    found = memory.nearest(views, 999, 100)
    assert [(past.distance, past.order) for past in found] == sorted(plain)


def test_sharing_looks_backwards_only_and_takes_in_what_came_since(either: Database, tmp_path: Path) -> None:
    storage = Storage(f"file://{tmp_path}/blobs", bytes(32))
    memory, other = (PictureMemory(either, storage, engine()) for _ in range(2))
    memory.remember(capture(1), picture(SCENES[0]))
    features = look(SCENES[0], engine()).features
    assert names(memory.sharing(features, 1, 8)) == []
    assert names(memory.sharing(features, 2, 8)) == ["cap 1"]
    for order, scene in ((2, SCENES[1]), (3, SCENES[0])):
        other.remember(capture(order), picture(scene))
    assert names(memory.sharing(features, 4, 8)) == ["cap 1", "cap 3"]
    assert names(memory.sharing(features, 2, 8)) == ["cap 1"], "an earlier question again"


def test_around_is_the_bounty_or_the_neighbourhood_latest_first(either: Database, tmp_path: Path) -> None:
    memory, far = memory_on(either, tmp_path), Spot(10.0, 10.0)
    memory.remember(capture(1, bounty="x", spot=far), picture(SCENES[0]))
    memory.remember(capture(2, bounty="y"), picture(SCENES[1]))
    memory.remember(capture(3, bounty="z", spot=far), picture(SCENES[2]))
    memory.remember(capture(4, bounty="x"), None)  # nothing to compare with
    assert names(memory.around("x", stage.GREENWICH, 9, 8)) == ["cap 2", "cap 1"]
    assert names(memory.around("x", None, 9, 8)) == ["cap 1"]
    assert names(memory.around("x", far, 3, 8)) == ["cap 1"]
    assert len(memory.around("z", stage.GREENWICH, 9, 1)) == 1


def test_last_spot_is_the_accounts_own_and_earlier(either: Database, tmp_path: Path) -> None:
    memory, here = memory_on(either, tmp_path), Spot(1.5, 2.5)
    memory.remember(capture(1, account="ann", spot=here), None)
    memory.remember(capture(2, account="ann", spot=None), None)
    memory.remember(capture(3, account="bob"), None)
    memory.remember(capture(4, account="ann"), None)
    assert memory.last_spot("ann", 4) == PastSpot(here, stage.NOON + timedelta(minutes=1))
    assert memory.last_spot("ann", 1) is None
    assert memory.last_spot("cat", 9) is None


def test_a_look_is_sealed_and_comes_back(database: Database, tmp_path: Path) -> None:
    memory_on(database, tmp_path).remember(capture(1), picture(SCENES[0]))
    memory = memory_on(database, tmp_path)
    memory.remember(capture(2), None)
    seen = memory.look_of("cap 1")
    assert seen is not None
    assert max(seen.grey.shape) == 640
    assert memory.look_of("cap 2") is None
    assert memory.look_of("cap 9") is None
    assert not list((tmp_path / "blobs").glob("blobs/**/*")), "a picture never lies open in the storage"
