"""One clock, one source of chance, and processes that pause, or die, at named places.

A process is a greenlet. At each failpoint outside a transaction, and before and after each call to Stripe, it
hands back to the scheduler, which goes on with any process: so two workers interleave wherever they can in
truth, and one may be left behind for hours. At each of these places, and just before a commit, a process may
die: `Crash` unwinds it, and its open transaction is rolled back, as SIGKILL would have it.

Only process death is simulated, not the loss of power: nothing here says that a commit reached the disk.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from greenlet import getcurrent, greenlet

import core.clock
import core.ids
from core import failpoints
from core.errors import BooksRefused, IdempotencyConflict, SpotcheckError, Unavailable

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEPT_ACTIONS = 50
# Stripe keeps an idempotency key for 24 hours. A process that slept longer between two of its own lines
# could send an order twice; no real one does.
LONGEST_LIFE = timedelta(hours=12)


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Process:
    """Something that runs by itself: a request, a worker at one job, a round of the sweeper."""

    name: str
    run: greenlet
    began: datetime


class Scheduler:
    """Time, chance and processes. All that happens is written to `trace` and into one digest.

    Attributes:
        crash_rate: how often a process dies at a place where it may.
        broken: what a process met that it must not meet.
    """

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self._ids = Random(f"ids of {seed}")
        self.crash_rate = 0.0
        self.now = START
        self.step = 0
        self.alive: list[Process] = []
        self.trace: deque[str] = deque(maxlen=KEPT_ACTIONS)
        self.crashes: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.broken: list[str] = []
        self._digest = blake2b(digest_size=16)
        self._hub = getcurrent()

    def clock(self) -> datetime:
        """The simulation's time."""
        return self.now

    def note(self, what: str) -> None:
        """Writes down what happens."""
        line = f"{self.step:>7} {self.now:%m-%d %H:%M:%S.%f} {what}"
        self.trace.append(line)
        self._digest.update(line.encode())

    @property
    def digest(self) -> str:
        """All that happened so far, in one word: equal for equal seeds."""
        return self._digest.hexdigest()

    def chance(self, fraction: float) -> bool:
        """True in a share of cases."""
        return self.rng.random() < fraction

    @property
    def process(self) -> Process:
        """The one that runs now."""
        here = getcurrent()
        return next(process for process in self.alive if process.run is here)

    def start(self, name: str, work: Callable[[], object]) -> None:
        """Begins a process and runs it to its first pause."""
        process = Process(name, greenlet(lambda: self._run(name, work)), self.now)
        self.note(f"{name}: begins")
        self.alive.append(process)
        self.resume(process)

    def resume(self, process: Process) -> None:
        """Runs a process to its next pause."""
        process.run.switch()
        self._bury()

    def kill(self, process: Process) -> None:
        """Ends a process where it stands."""
        self.crashes["left behind"] += 1
        process.run.throw(Crash("left behind"))
        self._bury()

    def kill_all(self) -> None:
        """Ends all processes."""
        for process in list(self.alive):
            self.kill(process)

    def _bury(self) -> None:
        self.alive = [process for process in self.alive if not process.run.dead]

    def pause(self, point: str, *, may_switch: bool = True) -> None:
        """A named place: the process may die here, and others may go on before it does.

        Raises:
            Crash: it dies.
        """
        if self.chance(self.crash_rate):
            self.crashes[point] += 1
            raise Crash(point)
        if may_switch and getcurrent() is not self._hub:
            self._hub.switch()

    def _run(self, name: str, work: Callable[[], object]) -> None:
        try:
            work()
        except Crash as crash:
            self.note(f"{name}: dies at {crash}")
        except SpotcheckError as refused:
            self.note(f"{name}: {refused.code}: {refused}")
            self.refusals[refused.code] += 1
            if not _may_happen(name, refused):
                self.broken.append(f"{name}: {refused!r} {refused.facts} at {_where(refused)}")
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what the simulation looks for
            self.note(f"{name}: {error!r}")
            self.broken.append(f"{name}: {error!r} at {_where(error)}")
        else:
            self.note(f"{name}: done")

    def pass_time(self) -> None:
        """Time between two steps: mostly moments, so that leases overlap; now and then hours."""
        draw = self.rng.random()
        if draw < 0.90:
            by = timedelta(milliseconds=self.rng.randrange(1, 500))
        elif draw < 0.985:
            by = timedelta(seconds=self.rng.randrange(1, 30))
        elif draw < 0.995:
            by = timedelta(seconds=self.rng.randrange(60, 1200))
        elif draw < 0.999:
            by = timedelta(minutes=self.rng.randrange(30, 480))
        else:
            by = timedelta(hours=self.rng.randrange(12, 36))
        self.forward(by)

    def forward(self, by: timedelta) -> None:
        """Moves the clock. Whoever has slept too long dies."""
        self.now += by
        for process in [one for one in self.alive if self.now - one.began > LONGEST_LIFE]:
            self.kill(process)

    @contextmanager
    def in_charge(self) -> Iterator[None]:
        """The house's clock, its ids and its failpoints are the simulation's for a while."""
        here = core.failpoints.failpoint
        users = [one for one in list(sys.modules.values()) if getattr(one, "failpoint", None) is here]
        milliseconds = SimpleNamespace(time_ns=self._time_ns)
        with ExitStack() as stack:
            stack.enter_context(patch.object(core.clock, "now", self.clock))
            stack.enter_context(patch.object(core.ids, "time", milliseconds))
            stack.enter_context(
                patch.object(core.ids, "secrets", SimpleNamespace(randbits=self._ids.getrandbits))
            )
            # It warns of alarms; here most of them are meant.
            stack.enter_context(patch.object(logging.getLogger("payments.tasks"), "disabled", new=True))
            for module in users:
                stack.enter_context(patch.object(module, "failpoint", self._failpoint))
            yield

    def _time_ns(self) -> int:
        return (self.now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) * 1_000_000

    def _failpoint(self, name: str) -> None:
        if name not in failpoints.NAMES:
            raise ValueError(f"unknown failpoint {name!r}")
        # A transaction that waits holds SQLite's one write lock: nobody could go on.
        self.pause(name, may_switch=name != "transaction.before_commit")


def _may_happen(name: str, refused: SpotcheckError) -> bool:
    """A request may be refused; a worker may find a provider away, and must meet nothing else."""
    if isinstance(refused, Unavailable):
        return True
    is_answer = refused.status < 500 and not isinstance(refused, BooksRefused | IdempotencyConflict)
    return name.startswith("request ") and is_answer


def _where(error: BaseException) -> str:
    """The last line of the house that an error came through."""
    found: Any = error.__traceback__
    lines = []
    while found is not None:
        code = found.tb_frame.f_code
        lines.append(f"{code.co_filename.rsplit('/', 2)[-2:]}:{found.tb_lineno} {code.co_name}")
        found = found.tb_next
    return " < ".join(reversed(lines[-6:]))
