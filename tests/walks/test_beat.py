"""A real beat and a real worker: what the schedule names is done, with nobody asking."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from core.config import Settings
from market.beat import schedule
from market.worker import Worker, make_tasks
from tests.servers import ROOT, House
from tests.walks.test_kills import children_of, one, until


def test_every_entry_names_a_task_that_the_worker_has(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, stripe_secret_key=SecretStr("sk_test"))
    parts: dict[str, Any] = dict.fromkeys(Worker.__dataclass_fields__) | {"settings": settings}
    app = make_tasks(Worker(**parts))
    assert {entry["task"] for entry in schedule(settings).values()} <= set(app.tasks)
    assert len(schedule(settings)) == 1 + len(schedule(Settings(home=tmp_path)))


def harm(house: House, by: int) -> None:
    """Puts the buyers' balances wrong, or right again."""
    with sqlite3.connect(house.folder / "spotcheck.db", timeout=30) as connection:
        connection.execute("UPDATE ledger_accounts SET balance = balance + ? WHERE id LIKE 'agent:%'", (by,))
    connection.close()


def payouts_are(house: House, what: str) -> Callable[[], bool]:
    return lambda: bool(house.get("/readyz").json()["payouts"] == what)


def beats_of(house: House) -> list[int]:
    assert house.process is not None
    children = children_of(house.process.pid)
    return [pid for pid in children if b"\0beat\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.timeout(120)
def test_the_books_are_audited_by_the_clock_also_after_the_beat_died(tmp_path: Path) -> None:
    house = House(tmp_path, env={"SPOTCHECK_AUDIT_EVERY_S": "1"})
    house.start()
    try:
        house.account()  # its deposit is done, so the worker is up
        assert payouts_are(house, "open")()
        harm(house, 1)
        until(payouts_are(house, "halted"), 20)
        time.sleep(2)  # further audits fail too, and add nothing
        assert one(house, "SELECT count(*) FROM halts") == 1
        harm(house, -1)
        resume = [sys.executable, "-m", "payments", "resume", "--why", "the harm of a test was undone"]
        subprocess.run(resume, cwd=ROOT, env=house.environment(), check=True, timeout=30)
        assert payouts_are(house, "open")()
        [beat] = beats_of(house)
        os.kill(beat, signal.SIGKILL)
        harm(house, 1)
        until(payouts_are(house, "halted"), 20)
        assert beats_of(house) != [beat]
    finally:
        house.stop()


@pytest.mark.timeout(60)
def test_of_two_beats_in_one_home_one_beats_and_the_other_stands_by(tmp_path: Path) -> None:
    house = House(tmp_path, env={"SPOTCHECK_AUDIT_EVERY_S": "1"})
    asked = tmp_path / "broker" / "queue"

    def count() -> int:
        return len(list(asked.glob("*.msg")))

    first = house.spawn("beat")
    try:
        until(lambda: count() > 0, 20)
        second = house.spawn("beat")
        try:
            os.kill(first.pid, signal.SIGSTOP)  # alive, so it keeps its place; what comes now is the other's
            before = count()
            time.sleep(5)
            assert second.poll() is None
            assert count() == before, "both beat"
            first.kill()
            first.wait(10)
            until(lambda: count() > before, 20)
        finally:
            second.kill()
            second.wait(10)
    finally:
        first.kill()
        first.wait(10)
