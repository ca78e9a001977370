"""What the sweeper outlives: each part of a round stands alone, and each item of a part."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

import bounties.tasks
import payments.tasks
from bounties.rules import BountyState
from bounties.tables import Bounty
from core import clock, log
from core.config import Settings
from core.db import Database
from core.log import LogTile
from core.note import Signer, load_or_make_key
from core.storage import Storage
from core.sweeper import Sweeper
from market import doctor, worker
from tests.bounties import scene
from tests.inside import Inside, is_problem


@pytest.fixture
def swept(database: Database, tmp_path: Path) -> Any:
    """What a sweep needs of a worker; none of the verifier's tools."""
    signer = Signer("test/log", load_or_make_key(tmp_path / "log.pem"))
    storage = Storage(f"file://{tmp_path / 'storage'}", bytes(32))
    return SimpleNamespace(database=database, sweeper=Sweeper(database), signer=signer, storage=storage)


def damage_the_log(database: Database, signer: Signer) -> None:
    """One wrong row among the tiles, and a leaf that waits."""
    with database.transaction() as session:
        log.append(session, b"one", now=clock.now())
        log.sequence(session, signer, now=clock.now())
        session.execute(update(LogTile).values(hashes=bytes(64)))
        log.append(session, b"two", now=clock.now())


def ended_bounty(database: Database) -> str:
    """A bounty past its window, whose money is to go back."""
    now = clock.now() - timedelta(hours=3)
    with database.transaction() as session:
        wanted = scene.ask(opens_at=now, closes_at=now + timedelta(hours=1))
        return scene.post(session, scene.new_agent(session), wanted, now=now).id


def status(database: Database, bounty: str) -> str:
    with database.reading() as session:
        return session.get_one(Bounty, bounty).status


@pytest.fixture
def sweeping(swept: Any) -> Iterator[threading.Thread]:
    stop = threading.Event()
    thread = worker.start_sweeper(swept, stop)
    yield thread
    stop.set()
    thread.join(10)


def until_expired(database: Database, bounty: str) -> None:
    deadline = time.monotonic() + 10
    while status(database, bounty) != BountyState.EXPIRED:
        assert time.monotonic() < deadline, "the sweeper does not sweep"
        time.sleep(0.05)


def test_a_broken_log_stops_no_refund(
    swept: Any, sweeping: threading.Thread, caplog: pytest.LogCaptureFixture
) -> None:
    damage_the_log(swept.database, swept.signer)
    time.sleep(3 * worker.SWEEP_EVERY_S)
    until_expired(swept.database, ended_bounty(swept.database))
    assert sweeping.is_alive()
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) == 1, "once, then it rests"
    assert told[0].exc_info


@pytest.mark.parametrize("fault", [OSError("disk full"), KeyError("a bug"), RuntimeError("a bug")])
def test_no_fault_of_one_part_stops_another(
    swept: Any, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise fault

    reached = []
    monkeypatch.setattr(bounties.tasks, "sweep", broken)
    monkeypatch.setattr(payments.tasks, "mature", broken)
    monkeypatch.setattr(payments.tasks, "sweep_operations", lambda *_, **__: reached.append("operations"))
    monkeypatch.setattr(bounties.tasks, "overdue_reviews", broken)
    monkeypatch.setattr(
        bounties.tasks, "drop_unnamed_originals", lambda *_, **__: reached.append("originals")
    )
    worker.sweep_once(swept)
    worker.sweep_slowly(swept)
    assert reached == ["operations", "originals"]
    with swept.database.reading() as session:
        assert log.latest(session), "and the log is signed"


def test_a_part_that_failed_rests_and_is_tried_again(database: Database) -> None:
    sweeper, tried = Sweeper(database, part_rest_s=0.2), []

    def broken() -> None:
        tried.append(1)
        raise KeyError("a bug")

    for _ in range(3):
        sweeper.part("log", broken)
    assert len(tried) == 1
    time.sleep(0.25)
    sweeper.part("log", broken)
    assert len(tried) == 2


def test_a_database_that_is_away_is_tried_at_once_again(database: Database) -> None:
    sweeper, tried = Sweeper(database), []

    def away() -> None:
        tried.append(1)
        raise OperationalError("SELECT 1", None, OSError("away"))

    for _ in range(3):
        sweeper.part("log", away)
    assert len(tried) == 3


def test_no_fault_of_one_item_stops_the_others(database: Database) -> None:
    def step(_: Session, item: str) -> None:
        if item == "away":
            raise OperationalError("SELECT 1", None, OSError("away"))
        if item != "fine":
            raise {"disk": OSError, "bug": KeyError}[item]("at fault")

    sweeper = Sweeper(database)
    assert sweeper.each(["disk", "bug", "fine"], step) == 1
    with pytest.raises(OperationalError):
        sweeper.each(["fine", "away", "fine"], step)


def test_a_broken_log_is_told_at_the_door_and_by_the_doctor(
    blank_sqlite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "house.db").write_bytes(blank_sqlite.read_bytes())
    settings = Settings(home=tmp_path / "home", database_url=f"sqlite:///{tmp_path / 'house.db'}")
    inside = Inside(settings.database, settings.home)
    assert inside.client.get("/readyz").status_code == 200
    doctor.run(settings)
    assert "the log is broken" not in capsys.readouterr().out
    damage_the_log(inside.database, Signer("test/log", load_or_make_key(settings.home / "log.pem")))
    answer = inside.client.get("/readyz")
    assert (answer.status_code, is_problem(answer), answer.json()["code"]) == (503, True, "Unavailable")
    assert "the log is broken" in answer.json()["detail"]
    assert doctor.run(settings) == 1
    [line] = [line for line in capsys.readouterr().out.splitlines() if "NOT WELL" in line]
    assert "the log is broken" in line
    inside.close()
