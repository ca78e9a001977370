"""Kill -9 between any two steps of the walk, and restart: one verdict, at most one payment.

Each named failpoint kills the process that gets there first (SPOTCHECK_FAILPOINT); the house goes on
without it and must finish what was begun. Every point once here, 20 times in `make soak`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from core import clock
from core.db import Database
from core.failpoints import NAMES
from core.geo import Spot
from market.simulator.contributor import Claim, Signed
from market.simulator.phone import Phone
from payments import audit
from tests.fakes.stripe import FakeStripe
from tests.servers import House
from tests.walks.asks import phone_at, photo_bounty

PLACE = Spot(35.6892, 51.3890)
JUDGING = sorted(name for name in NAMES if name.startswith("judge."))
MONEY = sorted(name for name in NAMES if name.startswith("operation."))
INBOX = sorted(name for name in NAMES if name.startswith("inbox."))
SERVER = sorted(name for name in NAMES if name.startswith("transaction."))
LEASE_S = 2.0
STRIPE_SECRET = "whsec_of_the_kills"


def make_house(folder: Path) -> House:
    """A house whose workers the test starts itself, and whose leases are short."""
    return House(folder, env={"SPOTCHECK_LEASE_S": str(LEASE_S)}, workers=0)


@contextmanager
def serving(house: House) -> Iterator[None]:
    """The API process, for the length of the block."""
    house.start()
    try:
        yield
    finally:
        house.stop()


@contextmanager
def working(house: House) -> Iterator[None]:
    """One worker process that lives."""
    worker = house.spawn("work")
    try:
        yield
    finally:
        worker.kill()
        worker.wait()


def dies_at(house: House, failpoint: str) -> None:
    """Runs a worker that must die, by SIGKILL, at this point."""
    worker = house.spawn("work", SPOTCHECK_FAILPOINT=failpoint)
    assert worker.wait(300) == -9, f"no worker died at {failpoint}"


def until(condition: Callable[[], bool], within_s: float = 240.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.1)


def one(house: House, query: str, *values: str) -> object:
    with sqlite3.connect(house.folder / "spotcheck.db", timeout=30) as connection:
        found: object = connection.execute(query, values).fetchone()[0]
    connection.close()
    return found


def assert_books_hold(house: House) -> None:
    database = Database(f"sqlite:///{house.folder / 'spotcheck.db'}")
    broken = [figure for figure in audit.books(database, now=clock.now()) if figure.stops]
    database.dispose()
    assert broken == []


def scene_of(seed: int) -> NDArray[np.uint8]:
    """A picture of its own for each seed: no two trials are copies of each other."""
    noise = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    whole: NDArray[np.uint8] = np.kron(noise, np.ones((20, 20, 1), dtype=np.uint8))
    picture: NDArray[np.uint8] = (whole // 2 + data.coffee()[:400, :600] // 2).astype(np.uint8)
    return picture


def prepared(phone: Phone, bounty: str, seed: int) -> tuple[Claim, Signed]:
    """Everything up to the submission."""
    claim = phone.claim(bounty)
    media = phone.shoot(claim, scene_of(seed)).jpeg
    signed = phone.sign(phone.statement(claim, media))
    phone.commit(claim, signed)
    phone.upload(claim, media)
    return claim, signed


def paid_once(house: House, capture: str) -> None:
    """One accept, one observation, one release for this capture, for good."""
    accepts = "SELECT count(*) FROM history WHERE subject = ? AND after = 'accepted'"
    assert one(house, accepts, capture) == 1
    assert one(house, "SELECT count(*) FROM observations WHERE capture = ?", capture) == 1


def judge_through(folder: Path, failpoints: list[str]) -> None:
    """One worker dies at each of the points, with a capture of its own; then one worker that lives."""
    house = make_house(folder)
    with serving(house):
        with working(house):
            agent = house.account()
        bounty = house.post("/v1/bounties", photo_bounty(PLACE, slots=len(failpoints)), key=agent).json()
        captures = []
        for seed, failpoint in enumerate(failpoints):
            with phone_at(house.url, PLACE, seed) as phone:
                captures.append(phone.submit(*prepared(phone, bounty["id"], seed), 3).id)
            dies_at(house, failpoint)
        with working(house):
            status = "SELECT count(*) FROM captures WHERE status = 'accepted'"
            until(lambda: one(house, status) == len(captures))
            time.sleep(LEASE_S + 0.5)  # past another lease: nothing may be judged a second time
    for capture in captures:
        paid_once(house, capture)
    releases = "SELECT count(*) FROM ledger_postings WHERE key LIKE 'release:%'"
    assert one(house, releases) == len(captures)
    assert_books_hold(house)


def deposit_through(folder: Path, failpoints: list[str]) -> None:
    """One worker dies at each of the points, with a deposit of its own; then one worker that lives."""
    house = make_house(folder)
    with serving(house):
        key = house.account(deposit=None)
        for failpoint in failpoints:
            made = house.post("/v1/deposits", {"amount": "7.00"}, key=key, once=failpoint).json()
            dies_at(house, failpoint)
            again = house.post("/v1/deposits", {"amount": "7.00"}, key=key, once=failpoint).json()
            assert again["id"] == made["id"]
        with working(house):
            done = "SELECT count(*) FROM provider_operations WHERE status = 'done'"
            until(lambda: one(house, done) == len(failpoints), 90)
            balance = house.get("/v1/me", key=key).json()["balances"]["available"]
    assert float(balance) == 7.0 * len(failpoints)
    assert one(house, "SELECT count(*) FROM sandbox_book") == len(failpoints)
    assert_books_hold(house)


def event_through(folder: Path, failpoints: list[str]) -> None:
    """One worker dies at each of the points, with a paid checkout's events of its own; then one lives."""
    with FakeStripe() as stripe:
        house = stripe_house(folder, stripe)
        with serving(house):
            key = house.account(deposit=None)
            for failpoint in failpoints:
                made = house.post("/v1/deposits", {"amount": "25.00"}, key=key).json()
                with working(house):
                    until(lambda made=made: status_of(house, made["id"]) == "waiting")  # type: ignore[misc]
                reference = "SELECT reference FROM provider_operations WHERE id = ?"
                stripe.pay(str(one(house, reference, made["id"])))
                sent = stripe.deliver(f"{house.url}/v1/webhooks/stripe", STRIPE_SECRET, duplicates=0.3)
                assert all(event.accepted for event in sent)
                dies_at(house, failpoint)
            with working(house):
                open_events = "SELECT count(*) FROM inbox_events WHERE handled_at IS NULL"
                until(lambda: one(house, open_events) == 0, 90)
            balance = house.get("/v1/me", key=key).json()["balances"]["available"]
    assert float(balance) == 25.0 * len(failpoints)
    credited = "SELECT count(*) FROM ledger_postings WHERE key LIKE 'deposit:%'"
    assert one(house, credited) == len(failpoints)
    assert_books_hold(house)


def status_of(house: House, operation: str) -> object:
    return one(house, "SELECT status FROM provider_operations WHERE id = ?", operation)


def stripe_house(folder: Path, stripe: FakeStripe) -> House:
    house = make_house(folder)
    house.env |= {
        "SPOTCHECK_RAIL": "stripe",
        "SPOTCHECK_STRIPE_SECRET_KEY": stripe.key,
        "SPOTCHECK_STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
        "SPOTCHECK_STRIPE_API_BASE": stripe.url,
    }
    return house


def submit_through(folder: Path, failpoint: str) -> None:
    """The API dies inside the submission; the phone sends the same call again after the restart."""
    house = make_house(folder)
    with serving(house):
        with working(house):
            agent = house.account()
        bounty = house.post("/v1/bounties", photo_bounty(PLACE), key=agent).json()
        with phone_at(house.url, PLACE, seed=1) as phone:
            claim, signed = prepared(phone, bounty["id"], seed=1)
    path = f"/v1/claims/{claim.id}/captures"
    body = {"statement": signed.statement, "signature": signed.signature, "answer": 3}
    house.env["SPOTCHECK_FAILPOINT"] = failpoint
    house.start()
    with pytest.raises(httpx2.TransportError):
        house.post(path, body, key=phone.secret, once="the-one-submission")
    assert house.process is not None
    assert house.process.wait(30) == -9
    del house.env["SPOTCHECK_FAILPOINT"]
    with serving(house), working(house):
        answer = house.post(path, body, key=phone.secret, once="the-one-submission")
        assert answer.status_code == 202
        capture = str(answer.json()["id"])
        until(lambda: one(house, "SELECT status FROM captures WHERE id = ?", capture) == "accepted")
    assert one(house, "SELECT count(*) FROM captures") == 1
    paid_once(house, capture)
    assert_books_hold(house)


@pytest.mark.timeout(300)
def test_workers_killed_at_every_step_of_judging_are_made_good(tmp_path: Path) -> None:
    judge_through(tmp_path, JUDGING)


@pytest.mark.timeout(300)
def test_workers_killed_at_every_step_of_a_deposit_are_made_good(tmp_path: Path) -> None:
    deposit_through(tmp_path, MONEY)


@pytest.mark.timeout(300)
def test_workers_killed_at_every_step_of_a_providers_event_are_made_good(tmp_path: Path) -> None:
    event_through(tmp_path, INBOX)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("failpoint", SERVER)
def test_a_server_killed_around_the_commit_of_a_submission_loses_and_doubles_nothing(
    tmp_path: Path, failpoint: str
) -> None:
    submit_through(tmp_path, failpoint)


def children_of(pid: int) -> list[int]:
    # Of /proc/N/stat the fourth field is the parent; the second, in brackets, may hold spaces.
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended while we looked
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found


@pytest.mark.timeout(240)
def test_the_children_of_a_server_that_was_killed_do_not_stay_behind(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.start()
    house.account()  # its deposit is done, so the worker is up
    assert house.process is not None
    worker, beat = children_of(house.process.pid)
    house.process.kill()
    house.process.wait(10)
    until(lambda: not Path(f"/proc/{worker}").exists() and not Path(f"/proc/{beat}").exists(), 30)


@pytest.mark.soak
@pytest.mark.parametrize("trial", range(20))
def test_twenty_deaths_at_every_step(tmp_path: Path, trial: int) -> None:
    for number, failpoint in enumerate(SERVER):
        (tmp_path / str(number)).mkdir()
        submit_through(tmp_path / str(number), failpoint)
    (tmp_path / "deposit").mkdir()
    deposit_through(tmp_path / "deposit", MONEY)
    (tmp_path / "inbox").mkdir()
    event_through(tmp_path / "inbox", INBOX)
    (tmp_path / "judge").mkdir()
    judge_through(tmp_path / "judge", JUDGING)
