"""Making and judging samples: resumable, in processes of their own, one JSON line each.

Lines that no longer count (`redteam.keys`) are made anew.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2

from core import processes
from verification.redteam import lines
from verification.redteam.authorities import trust
from verification.redteam.keys import counts, key_of
from verification.redteam.lines import Line
from verification.redteam.making import by_name, first_base, make
from verification.redteam.photographs import Shelf, shelves
from verification.redteam.registry import Recipe, Split
from verification.standalone import Standalone


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made.

    Attributes:
        chosen: (family, tier) pairs.
        n: samples of each; `limit_s` ends the run early with what there is.
        photos: folder with a manifest; None for the packages' samples.
    """

    chosen: tuple[tuple[str, int], ...]
    n: int
    seed: int
    cache: Path
    photos: Path | None
    jobs: int
    limit_s: float | None = None

    def of(self, name: str) -> int:
        """How many samples of a family."""
        return -(-self.n // by_name(name).thin)


@dataclass(frozen=True, slots=True)
class Job:
    """Some samples of one family at one tier, for one process."""

    name: str
    tier: int
    indices: tuple[int, ...]
    seed: int
    photos: Path | None


def run(plan: Plan, progress: Progress) -> list[Line]:
    """All lines of the plan, from the cache or made now; appends what it makes."""
    plan.cache.mkdir(parents=True, exist_ok=True)
    wanted = {name: key_of(by_name(name), plan.seed, plan.photos) for name, _ in plan.chosen}
    held = {name: _cached(plan.cache / f"{name}.jsonl", key) for name, key in wanted.items()}
    jobs = list(_jobs(plan, held))
    progress.start(sum(plan.of(name) for name, _ in plan.chosen), sum(len(job.indices) for job in jobs))
    for line in _made(jobs, plan):
        held[line.family][line.tier, line.index] = line
        with (plan.cache / f"{line.family}.jsonl").open("a", encoding="utf-8") as out:
            out.write(line.text() + "\n")
        progress.step(line)
    return [
        line
        for name, tier in plan.chosen
        for (at, index), line in sorted(held[name].items())
        if at == tier and index < plan.of(name)
    ]


class Progress:
    """Says on a stream how far the run is."""

    def __init__(self, write: object = None) -> None:
        self._write, self._todo, self._done, self._since = write, 0, 0, 0.0

    def start(self, total: int, todo: int) -> None:
        """A run begins: `todo` of `total` samples are to be made."""
        self._todo, self._since = todo, time.monotonic()
        self._say(f"{total - todo} of {total} samples are cached, {todo} to make")

    def step(self, line: Line) -> None:
        """A sample was made."""
        self._done += 1
        if self._done % 25 == 0 or self._done == self._todo:
            pace = (time.monotonic() - self._since) / self._done
            left = pace * (self._todo - self._done) / 60
            self._say(f"{self._done}/{self._todo} {line.family}; {pace:.2f} s each, {left:.0f} min to go")

    def _say(self, text: str) -> None:
        if callable(self._write):
            self._write(text + "\n")


def judge() -> Standalone:
    """The verifier that judges: on the processor, so that runs agree; with the red team's C2PA roots."""
    return Standalone(trust(), device="cpu")


def settle(plan: Plan) -> None:
    """Leaves of each chosen family the lines that still count, judged under the constants in force.

    `calibrate` and `report` read the files as they are, and must meet no line of a check that has changed
    since, nor two kinds of constants.
    """
    for name in {name for name, _ in plan.chosen}:
        path = plan.cache / f"{name}.jsonl"
        if not path.exists():  # not reached in time
            continue
        held = _cached(path, key_of(by_name(name), plan.seed, plan.photos))
        new = path.with_suffix(".new")
        new.write_text(
            "".join(f"{lines.rejudged(line).text()}\n" for line in held.values()), encoding="utf-8"
        )
        new.replace(path)


def _jobs(plan: Plan, held: dict[str, dict[tuple[int, int], Line]]) -> Iterator[Job]:
    """Few samples of every family first, so that a run cut short has seen them all; among these, families
    that are at the same photographs one after another, so that each is opened seldom."""
    size = 1 if plan.limit_s else 5
    chosen = sorted(plan.chosen, key=lambda pair: _begins(by_name(pair[0]), plan.photos))
    for begin in range(0, plan.n, size):
        for name, tier in chosen:
            upto = min(plan.of(name), begin + size)
            missing = [k for k in range(begin, upto) if (tier, k) not in held[name]]
            if missing:
                yield Job(name, tier, tuple(missing), plan.seed, plan.photos)


def _begins(recipe: Recipe, photos: Path | None) -> tuple[str, int]:
    """The split, and the place in its order of bases at which a family begins."""
    return recipe.split.value, first_base(recipe, len(_shelves(photos)[recipe.split].real))


def _cached(path: Path, key: str) -> dict[tuple[int, int], Line]:
    """The lines of a family that still count; the last of several."""
    found = {}
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            line = lines.parse(text)
        except (ValueError, TypeError):  # the end of a run that was cut off, or another version's
            continue
        if counts(line, key):
            found[line.tier, line.index] = line
    return found


def _made(jobs: Sequence[Job], plan: Plan) -> Iterator[Line]:
    """Lines as they come, from `plan.jobs` processes of one thread each (one: from this process)."""
    ends = time.monotonic() + plan.limit_s if plan.limit_s else math.inf
    waiting = iter(jobs)
    if plan.jobs == 1 or not jobs:
        for job in itertools.takewhile(lambda _: time.monotonic() < ends, waiting):
            yield from _work(job)
        return
    os.environ["OMP_NUM_THREADS"] = "1"
    with processes.pool(min(plan.jobs, len(jobs))) as workers:
        running: set[Future[list[Line]]] = {
            workers.submit(_work, job) for job in itertools.islice(waiting, plan.jobs)
        }
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for finished in done:
                yield from finished.result()
                coming = next(waiting, None) if time.monotonic() < ends else None
                if coming:
                    running.add(workers.submit(_work, coming))


def _work(job: Job) -> list[Line]:
    """Makes and judges a job's samples in this process."""
    recipe, shelf = by_name(job.name), _shelves(job.photos)[by_name(job.name).split]
    key, found = key_of(recipe, job.seed, job.photos), []
    for index in job.indices:
        bench, sample = make(recipe, job.tier, index, job.seed, shelf, _judge())
        report = _judge().examine(sample.context)
        found.append(lines.compose(recipe, bench, sample, report, key=key, seed=job.seed, index=index))
    return found


@lru_cache(maxsize=1)
def _judge() -> Standalone:
    cv2.setNumThreads(1)
    return judge()


@lru_cache(maxsize=2)
def _shelves(photos: Path | None) -> dict[Split, Shelf]:
    return shelves(photos)
