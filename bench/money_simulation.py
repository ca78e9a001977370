"""A seeded simulation of all money: a virtual clock, crashes, a fake Stripe on its bad days.

    python -m bench.money_simulation --steps N [--seed S] [--life 5000] [--jobs 1] [--quick] [--json PATH]

Steps are lived in lives of at most `--life` steps, each a market of its own from its first account to the
moment when nothing is due any more; the first has seed S, the next S + 1. A life that breaks is replayed by
its own seed. One step is one decision of the scheduler: a process (a request, a worker, a sweeper) goes on
from one place where it may pause or die to the next, or something new begins. The end of a life, faults off
and time passing until nothing is due, takes about as many steps again. SQLite is real, in memory-backed
files where /dev/shm exists, and with synchronous=OFF: processes die here, power does not fail.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from bench.simulation.life import CHECK_EVERY, Life, Tally
from core import figures, processes
from market.migrate import migrate

QUICK_STEPS, STEPS = 15_000, 100_000
LIFE = 5_000
SHOWN = 3


def one_life(seed: int, steps: int, blank: Path) -> Tally:
    """Lives one life in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="spotcheck-life-", dir=blank.parent) as folder:
        return Life(seed, steps, blank, Path(folder)).run()


def lives(seed: int, steps: int, life: int) -> list[tuple[int, int]]:
    """(seed, steps) of each life."""
    whole, rest = divmod(steps, life)
    lengths = [life] * whole + ([rest] if rest else [])
    return [(seed + number, length) for number, length in enumerate(lengths)]


def run(seed: int, steps: int, *, life: int = LIFE, jobs: int = 1) -> Iterator[Tally]:
    """Lives all lives, `jobs` at a time."""
    memory = Path("/dev/shm")  # noqa: S108  # a folder of its own in it
    with tempfile.TemporaryDirectory(prefix="spotcheck-", dir=memory if memory.is_dir() else None) as folder:
        blank = Path(folder) / "blank.db"
        migrate(f"sqlite:///{blank}")
        seeds, lengths = zip(*lives(seed, steps, life), strict=True)
        live = partial(one_life, blank=blank)
        if jobs == 1:
            yield from map(live, seeds, lengths)
            return
        with processes.pool(jobs) as workers:
            yield from workers.map(live, seeds, lengths)


def together(tallies: Iterable[Tally], *, life: int) -> Tally:
    """One tally of all; tells of each life that breaks as soon as it does."""
    whole = Tally(seed=0, lives=0)
    for one in tallies:
        whole.lives += 1
        whole.steps += one.steps
        whole.end_steps += one.end_steps
        whole.virtual_days += one.virtual_days
        for name in ("crashes", "faults", "ends", "happened", "checked"):
            getattr(whole, name).update(getattr(one, name))
        if one.breaches and whole.lives_broken < SHOWN:
            tell(one, life)
        whole.lives_broken += bool(one.breaches)
        whole.breaches += one.breaches
    return whole


def tell(broken: Tally, life: int) -> None:
    """What broke, what happened before, and how to see it again."""
    print(f"\nseed {broken.seed}, step {broken.steps + broken.end_steps}: {len(broken.breaches)} breaches")
    for breach in broken.breaches[:20]:
        print(f"  {breach}")
    print(f"the last {len(broken.trace)} actions:")
    for line in broken.trace:
        print(f"  {line}")
    print(
        f"again: python -m bench.money_simulation --seed {broken.seed} --steps {life} --life {life}\n",
        flush=True,
    )


def rows(tally: Tally, seconds: float) -> list[figures.Row]:
    """The table."""

    def row(name: str, value: float, unit: str = "", bar: str | None = None) -> figures.Row:
        return figures.Row(name, value, math.nan, math.nan, tally.lives, unit, bar)

    def counted(title: str, counts: Counter[str]) -> list[figures.Row]:
        return [row(f"{title}: {name}", count) for name, count in sorted(counts.items())]

    return [
        row("steps with faults", tally.steps),
        row("steps of the ends, without", tally.end_steps),
        row("steps a second, all", (tally.steps + tally.end_steps) / seconds, "steps/s"),
        row("simulated time", tally.virtual_days, "days"),
        *counted("crash", tally.crashes),
        *counted("fault", tally.faults),
        *counted("end", tally.ends),
        *counted("happened", tally.happened),
        *counted("checked", tally.checked),
        row("lives that broke", tally.lives_broken, bar="<= 0"),
        row("breaches", len(tally.breaches), bar="<= 0"),
    ]


def main(given: Sequence[str] | None = None) -> int:
    """Runs the simulation."""
    parser = figures.arguments(__doc__)
    parser.add_argument("--steps", type=int, help=f"default {STEPS}, with --quick {QUICK_STEPS}")
    parser.add_argument("--life", type=int, default=LIFE, help="the most steps of one life")
    parser.add_argument("--jobs", type=int, default=1, help="lives at a time; 0 is one a core")
    chosen = parser.parse_args(given)
    steps = chosen.steps or (QUICK_STEPS if chosen.quick else STEPS)
    jobs = chosen.jobs or os.cpu_count() or 1
    print(f"seed {chosen.seed}, {steps} steps, checked every {CHECK_EVERY}", flush=True)
    began = time.perf_counter()
    tally = together(run(chosen.seed, steps, life=chosen.life, jobs=jobs), life=chosen.life)
    seconds = time.perf_counter() - began
    return figures.finish("money: a seeded simulation", rows(tally, seconds), chosen.json, seed=chosen.seed)


if __name__ == "__main__":
    sys.exit(main())
