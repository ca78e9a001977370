"""A market's money on a fake Stripe, and what the simulation reads of it.

What is read for choosing and for checking goes through a connection of its own and plain SQL: it shares no
code with what is judged, and costs a tenth.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import stripe
from sqlalchemy import event
from sqlalchemy.orm import Session

from bench.simulation.scheduler import Scheduler
from core.accounts.rules import Kind
from core.accounts.service import open_account
from core.db import Database
from core.money import Money
from core.sweeper import Sweeper
from payments import rules
from payments.rails import Answer, Order, Rail
from payments.rails.stripe import StripeRail
from tests.fakes.stripe import FakeStripe

RETURN_URL = "https://market.example/money"
SECRET = "whsec_of_the_simulation"
BUYERS, CONTRIBUTORS = 5, 4
LOST_JOBS = 0.05
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad a life's days are: shares of cases, and how Stripe behaves in it.

    Attributes:
        crashes: of the places where a process may die.
        faults: of Stripe's calls, for each kind of fault.
        drops: of webhooks, that never come.
        retries: how often the SDK itself tries a call again.
        capture_delay: how long a checkout's charge has no balance transaction yet.
    """

    crashes: float
    faults: float
    drops: float
    retries: int
    capture_delay: timedelta

    @classmethod
    def of(cls, seed: int) -> Weather:
        """The weather of a life."""
        dice = Random(f"weather of {seed}")
        return cls(
            crashes=dice.choice([0.0, 0.003, 0.01, 0.03]),
            faults=dice.choice([0.0, 0.01, 0.02, 0.05]),
            drops=dice.choice([0.0, 0.03, 0.3]),
            retries=dice.choice([0, 1]),
            capture_delay=dice.choice(
                [timedelta(0), timedelta(0), timedelta(seconds=20), timedelta(hours=1)]
            ),
        )


class JobQueue:
    """What the broker holds: jobs, of which some are lost."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.jobs: list[tuple[str, tuple[str, ...]]] = []
        self.loses = LOST_JOBS

    def send(self, jobs: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        """Takes jobs in, or loses them."""
        self.jobs += [job for job in jobs if not self._scheduler.chance(self.loses)]

    def take(self) -> tuple[str, tuple[str, ...]]:
        """Any one of the jobs."""
        return self.jobs.pop(self._scheduler.rng.randrange(len(self.jobs)))


class Wire(stripe.HTTPClient):
    """The SDK's way to Stripe: a process may pause or die before a call and after it."""

    name = "simulated"

    def __init__(self, inner: stripe.HTTPClient, pause: Callable[[str], None]) -> None:
        super().__init__()
        self._inner, self._pause = inner, pause

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """One call."""
        self._pause("stripe.before_call")
        answer: tuple[str, int, Mapping[str, str]] = self._inner.request(method, url, headers, post_data)
        self._pause("stripe.after_call")
        return answer

    def _sleep_time_seconds(self, num_retries: int) -> float:
        return 0.0

    def close(self) -> None:
        """Nothing is open."""


class OneAtATime:
    """The rail as workers see it: it notes when two work on one operation while the first one's lease runs.

    That would do no harm at a rail that keeps its promise about keys, so nothing else would tell.
    """

    name, kinds = StripeRail.name, StripeRail.kinds

    def __init__(self, rail: Rail, scheduler: Scheduler) -> None:
        self._rail, self._scheduler = rail, scheduler
        self._at_work: dict[str, list[datetime]] = {}

    def send(self, order: Order) -> Answer:
        """See `Rail`."""
        with self._alone(order):
            return self._rail.send(order)

    def look_up(self, order: Order) -> Answer | None:
        """See `Rail`."""
        with self._alone(order):
            return self._rail.look_up(order)

    @contextmanager
    def _alone(self, order: Order) -> Iterator[None]:
        now, mine = self._scheduler.now, self._scheduler.process.began
        others = self._at_work.setdefault(order.id, [])
        # A lease begins no sooner than its worker does. One that began before us has no right any more.
        if any(began < mine and now - began < rules.LEASE for began in others):
            self._scheduler.broken.append(f"two workers at {order.id} in one lease")
        others.append(mine)
        try:
            yield
        finally:
            others.remove(mine)


class StrictSweeper(Sweeper):
    """A sweeper that hides no fault."""

    def each(self, items: Any, step: Callable[[Session, str], object]) -> int:
        """As the sweeper does it, and whatever goes wrong goes on."""
        done = 0
        for item in items:
            with self.database.transaction() as session:
                step(session, item)
            done += 1
        return done


class House:
    """Database, rail, queue and people of one life.

    Args:
        path: a migrated SQLite file, this life's own.
    """

    def __init__(self, scheduler: Scheduler, path: Path, weather: Weather) -> None:
        self.scheduler = scheduler
        self.weather = weather
        self.queue = JobQueue(scheduler)
        self.database = Database(f"sqlite:///{path}", self.queue)
        event.listen(self.database.engine, "connect", _quick)
        self.stripe = FakeStripe(
            clock=scheduler.clock, seed="simulation", capture_delay=weather.capture_delay
        )
        client = stripe.StripeClient(
            self.stripe.key,
            http_client=Wire(self.stripe.transport(), self._pause_at_stripe),
            max_network_retries=weather.retries,
        )
        self.rail = StripeRail(self.database, client, return_url=RETURN_URL)
        self.rails: dict[str, Rail] = {"stripe": OneAtATime(self.rail, scheduler)}
        self.sweeper = StrictSweeper(self.database)
        self.appeals: dict[str, tuple[str, Money]] = {}
        self.filled: list[tuple[str, str]] = []  # automatic top-ups: account, operation
        self.subjects = 0
        self.happened: Counter[str] = Counter()
        self._reader = sqlite3.connect(path, isolation_level=None)
        self.buyers = [self._open(f"buyer {number}") for number in range(BUYERS)]
        self.contributors = [self._open(f"contributor {number}") for number in range(CONTRIBUTORS)]

    def _open(self, name: str) -> str:
        with self.database.transaction() as session:
            return open_account(session, Kind.AGENT, name, now=self.scheduler.now).id

    def _pause_at_stripe(self, point: str) -> None:
        if self.database.engine.pool.checkedout():  # type: ignore[attr-defined]  # a QueuePool
            self.scheduler.broken.append(f"a transaction is open at {point}")
        self.scheduler.pause(point)

    def do(self, work: Callable[[Session], Result]) -> Result:
        """One transaction, as a door opens it."""
        with self.database.transaction() as session:
            return work(session)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database says now."""
        return self._reader.execute(query, values).fetchall()

    def pick(self, query: str, *values: object) -> tuple[Any, ...] | None:
        """Any one of a query's rows, which it must order."""
        found = self.rows(query, *values)
        return self.scheduler.rng.choice(found) if found else None

    def balance(self, name: str) -> int:
        """A balance in micros."""
        found = self.rows("SELECT balance FROM ledger_accounts WHERE id = ?", name)
        return int(found[0][0]) if found else 0

    def close(self) -> None:
        """Lets go of the database."""
        self._reader.close()
        self.database.dispose()


def _quick(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")  # see `scheduler`: no power is lost here
