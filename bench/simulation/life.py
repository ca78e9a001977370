"""One seeded run, from an empty market to one where nothing is due."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from bench.simulation import actors, checks, machine
from bench.simulation.house import House, Weather
from bench.simulation.outside import Outside
from bench.simulation.scheduler import START, Scheduler

CHECK_EVERY = 200
MOST_ALIVE = 8
# The pauses while time passes at the end: Stripe keeps a key for a day, all else that is due takes days.
END = [timedelta(hours=2)] * 16 + [timedelta(hours=12)] * 18
LONGEST_END = timedelta(days=25)


@dataclass
class Tally:
    """What came of one life, or of several together."""

    seed: int
    steps: int = 0
    end_steps: int = 0
    lives: int = 1
    digest: str = ""
    crashes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    virtual_days: float = 0.0
    lives_broken: int = 0


class Life:
    """One life.

    Args:
        blank: a migrated SQLite file; a copy is made in `folder`.
        steps: after so many the end begins; it takes some more.
    """

    def __init__(self, seed: int, steps: int, blank: Path, folder: Path) -> None:
        self.steps = steps
        weather = Weather.of(seed)
        self.scheduler = Scheduler(seed)
        self._path = Path(shutil.copy(blank, folder / f"{seed}.db"))
        with self.scheduler.in_charge():
            self.house = House(self.scheduler, self._path, weather)
        self.scheduler.crash_rate = weather.crashes
        self.outside = Outside(self.house, fault_rate=weather.faults)
        self.tally = Tally(seed)
        self._actions = [make for make, weight in actors.ACTIONS for _ in range(weight)]

    def run(self) -> Tally:
        """Lives it; the tally has breaches when something did not hold."""
        try:
            with self.scheduler.in_charge():
                if self._live() and self._end():
                    self._check(checks.at_any_moment(self.house, self.tally.checked))
                    self._check(checks.at_the_end(self.house, self.tally.checked))
        finally:
            self.scheduler.kill_all()
            self.tally.ends = Counter(f"{op.kind} {op.status}" for op in checks.operations(self.house))
            self.house.close()
            for path in self._path.parent.glob(f"{self._path.name}*"):
                path.unlink()
        return self._told()

    def _live(self) -> bool:
        while self.scheduler.step < self.steps:
            self._step()
            if self.scheduler.step % CHECK_EVERY == 0 and not self._holds():
                return False
            if self.scheduler.broken:
                return self._holds()
        return self._holds()

    def _step(self) -> None:
        """One decision: somebody goes on, or something begins."""
        scheduler, rng = self.scheduler, self.scheduler.rng
        scheduler.step += 1
        scheduler.pass_time()
        alive = scheduler.alive
        if alive and (len(alive) >= MOST_ALIVE or rng.random() < 0.7):
            scheduler.resume(rng.choice(alive))
        else:
            self._begin(rng.random())

    def _begin(self, draw: float) -> None:
        """Something new happens."""
        house = self.house
        if draw < 0.36 and house.queue.jobs:
            machine.work(house)
        elif draw < 0.46:
            machine.sweep(house)
        elif draw < 0.50:
            machine.deliver(house)
        elif draw < 0.505:
            machine.compare(house)
        elif draw < 0.513:
            machine.beat(house)
        elif draw < 0.52:
            self.outside.weather()
        elif draw < 0.66:
            self.outside.happen()
        else:
            self._ask()

    def _ask(self) -> None:
        action = self.scheduler.rng.choice(self._actions)(self.house)
        if action is not None:
            name, work = action
            self.scheduler.start(f"request {name}", work)

    def _holds(self) -> bool:
        """Checks everything that must hold now."""
        return self._check(checks.at_any_moment(self.house, self.tally.checked))

    def _check(self, found: list[str]) -> bool:
        self.tally.breaches += self.scheduler.broken + found
        self.scheduler.broken = []
        return not self.tally.breaches

    def _end(self) -> bool:
        """Faults and crashes stop, people decide, and time passes until nothing is due."""
        scheduler, house = self.scheduler, self.house
        for process in list(scheduler.alive):
            if scheduler.chance(0.5):
                scheduler.kill(process)
        scheduler.crash_rate = house.queue.loses = 0.0
        self.outside.calm()
        begun, rounds = scheduler.now, 0
        while rounds < len(END) or (self._due() and scheduler.now - begun < LONGEST_END):
            if rounds < 10:
                self.outside.settle_all(leave=0.3 if rounds else 1.0)
            self._round(compares=rounds % 4 == 0)
            if scheduler.broken or (rounds % 16 == 0 and not self._holds()):
                return self._holds()
            scheduler.now += END[rounds] if rounds < len(END) else END[-1]
            rounds += 1
        machine.compare(house)
        self._finish()
        return self._holds()

    def _round(self, *, compares: bool) -> None:
        """All that is due now is done."""
        machine.deliver(self.house, well=True)
        if compares:
            machine.compare(self.house)
            self._finish()
            machine.audit(self.house)
        for _ in range(10):
            for part in range(len(machine.PARTS)):
                machine.sweep(self.house, part)
            self._finish()
            if not self.house.queue.jobs:
                return
            while self.house.queue.jobs:
                machine.work(self.house)
                self._finish()

    def _finish(self) -> None:
        while self.scheduler.alive:
            self.scheduler.step += 1
            self.scheduler.now += timedelta(milliseconds=1)
            self.scheduler.resume(self.scheduler.rng.choice(self.scheduler.alive))

    def _due(self) -> bool:
        """Whether anything is left that only needs time."""
        open_now = "SELECT count(*) FROM provider_operations WHERE status IN ('new', 'sent', 'unknown')"
        return bool(self.house.rows(open_now)[0][0])

    def _told(self) -> Tally:
        tally, scheduler = self.tally, self.scheduler
        tally.steps, tally.digest = min(scheduler.step, self.steps), scheduler.digest
        tally.end_steps = scheduler.step - tally.steps
        tally.crashes, tally.happened = scheduler.crashes, self.house.happened
        tally.happened.update({f"refused: {name}": count for name, count in scheduler.refusals.items()})
        tally.faults = Counter(one.fault.name.lower() for one in self.house.stripe.faults.fired)
        tally.virtual_days = (scheduler.now - START) / timedelta(days=1)
        tally.trace = list(scheduler.trace) if tally.breaches else []
        return tally
