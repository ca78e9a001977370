"""Kill -9 between any two steps of the walk, and restart: one verdict, at most one payment.

Each named failpoint kills the process that gets there first; the house is started again without it
and must finish what was begun. Once each here, 20 times each in `make soak`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np
import pytest
from skimage import data

from core import clock
from core.db import Database
from core.failpoints import NAMES
from core.geo import Spot
from market.simulator.contributor import Claim, Signed
from market.simulator.phone import Phone
from payments import audit
from tests.servers import House
from tests.walks.asks import phone_at, photo_bounty

PLACE = Spot(35.6892, 51.3890)
JUDGING = sorted(name for name in NAMES if name.startswith("judge."))
TRANSACTION = sorted(name for name in NAMES if name.startswith("transaction."))
MONEY = sorted(name for name in NAMES if name.startswith("operation."))


@contextmanager
def running(house: House, **env: str) -> Iterator[House]:
    """The house as two processes: the API, and one worker that may be told where to die."""
    house.start()
    worker = house.spawn("work", **env)
    try:
        yield house
    finally:
        worker.kill()
        worker.wait()
        house.stop()


def make_house(folder: Path) -> House:
    return House(folder, env={"SPOTCHECK_LEASE_S": "2"}, workers=0)


def until(condition: object, within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.1)


def one(house: House, query: str) -> object:
    with sqlite3.connect(house.folder / "spotcheck.db", timeout=30) as connection:
        return connection.execute(query).fetchone()[0]


def assert_books_hold(house: House) -> None:
    database = Database(f"sqlite:///{house.folder / 'spotcheck.db'}")
    broken = [figure for figure in audit.books(database, now=clock.now()) if not figure.holds]
    database.dispose()
    assert broken == []


def scene_of(seed: int) -> np.ndarray:
    picture: np.ndarray = np.ascontiguousarray(np.roll(data.coffee(), seed * 17, axis=1))
    return picture


def prepared(phone: Phone, bounty: str, seed: int) -> tuple[Claim, Signed]:
    """Everything up to the submission."""
    claim = phone.claim(bounty)
    media = phone.shoot(claim, scene_of(seed)).jpeg
    signed = phone.sign(phone.statement(claim, media))
    phone.commit(claim, signed)
    phone.upload(claim, media)
    return claim, signed


def submit_and_die(house: House, failpoint: str, seed: int) -> tuple[str, str]:
    """An honest capture whose worker dies at the failpoint. Gives the contributor's key and the capture."""
    with running(house) as market:
        agent = market.account()
        bounty = market.post("/v1/bounties", photo_bounty(PLACE), key=agent).json()
    house.start()
    try:
        with phone_at(house.url, PLACE, seed) as phone:
            claim, signed = prepared(phone, bounty["id"], seed)
            capture = phone.submit(claim, signed, 3)
        worker = house.spawn("work", SPOTCHECK_FAILPOINT=failpoint)
        assert worker.wait(90) == -9, f"no worker died at {failpoint}"
    finally:
        house.stop()
    return capture.id, bounty["id"]


def judge_through(folder: Path, failpoint: str, seed: int) -> None:
    house = make_house(folder)
    capture, bounty = submit_and_die(house, failpoint, seed)
    with running(house):
        until(lambda: one(house, f"SELECT status FROM captures WHERE id = '{capture}'") == "accepted")
        # Wait past another lease: nothing may judge or pay it a second time.
        time.sleep(2.5)
    count = f"SELECT count(*) FROM history WHERE subject = '{capture}' AND after = 'accepted'"
    assert one(house, count) == 1
    assert one(house, f"SELECT count(*) FROM observations WHERE bounty = '{bounty}'") == 1
    assert one(house, "SELECT count(*) FROM ledger_postings WHERE key LIKE 'release:%'") == 1
    assert_books_hold(house)


def deposit_through(folder: Path, failpoint: str) -> None:
    house = make_house(folder)
    house.start()
    try:
        key = house.account(deposit=None)
        once = "the-one-deposit"
        operation = house.post("/v1/deposits", {"amount": "7.00"}, key=key, once=once).json()["id"]
        worker = house.spawn("work", SPOTCHECK_FAILPOINT=failpoint)
        assert worker.wait(90) == -9, f"no worker died at {failpoint}"
        retried = house.post("/v1/deposits", {"amount": "7.00"}, key=key, once=once).json()["id"]
        assert retried == operation
    finally:
        house.stop()
    with running(house):
        until(lambda: house.get(f"/v1/operations/{operation}", key=key).json()["status"] == "done", 120)
        assert house.get("/v1/me", key=key).json()["balances"]["available"] == "7.00"
    assert one(house, "SELECT count(*) FROM sandbox_book") == 1
    assert_books_hold(house)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("failpoint", JUDGING)
def test_a_worker_killed_at_any_step_of_judging_is_made_good(tmp_path: Path, failpoint: str) -> None:
    judge_through(tmp_path, failpoint, seed=1)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("failpoint", MONEY)
def test_a_worker_killed_at_any_step_of_a_deposit_is_made_good(tmp_path: Path, failpoint: str) -> None:
    deposit_through(tmp_path, failpoint)


def submit_through(folder: Path, failpoint: str) -> None:
    """The API dies inside the submission; the phone sends the same call again after the restart."""
    house = make_house(folder)
    with running(house) as market:
        agent = market.account()
        bounty = market.post("/v1/bounties", photo_bounty(PLACE), key=agent).json()
        with phone_at(market.url, PLACE, seed=1) as phone:
            claim, signed = prepared(phone, bounty["id"], seed=1)
    path, body = (
        f"/v1/claims/{claim.id}/captures",
        {"statement": signed.statement, "signature": signed.signature, "answer": 3},
    )
    house.env["SPOTCHECK_FAILPOINT"] = failpoint
    house.start()
    with pytest.raises(httpx2.TransportError):
        house.post(path, body, key=phone.secret, once="the-one-submission")
    assert house.process is not None
    assert house.process.wait(30) == -9
    del house.env["SPOTCHECK_FAILPOINT"]
    with running(house) as market:
        answer = market.post(path, body, key=phone.secret, once="the-one-submission")
        assert answer.status_code == 202
        capture = answer.json()["id"]
        until(lambda: one(house, f"SELECT status FROM captures WHERE id = '{capture}'") == "accepted")
    assert one(house, "SELECT count(*) FROM captures") == 1
    assert_books_hold(house)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("failpoint", TRANSACTION)
def test_a_server_killed_around_the_commit_of_a_submission_loses_and_doubles_nothing(
    tmp_path: Path, failpoint: str
) -> None:
    submit_through(tmp_path, failpoint)


@pytest.mark.soak
@pytest.mark.parametrize("trial", range(20))
@pytest.mark.parametrize("failpoint", sorted(NAMES))
def test_twenty_deaths_at_every_step(tmp_path: Path, failpoint: str, trial: int) -> None:
    if failpoint in MONEY:
        deposit_through(tmp_path, failpoint)
    elif failpoint in TRANSACTION:
        submit_through(tmp_path, failpoint)
    else:
        judge_through(tmp_path, failpoint, seed=trial)
