"""What hostile and broken files do to the verifier: seeded mutants, and bad files by name in every place.

    python -m bench.bad_input [--quick] [--seed N] [--json PATH]

3,000 mutants (300 with --quick) of small JPEG, PNG, WebP, HEIC, AVIF and C2PA-signed photographs, motion
files and contexts, then every named trial of `bench.mutants`. Each is judged as `python -m verification
examine` would, in a worker process of its own that must outlive them all. Bars: no uncaught exception and no
check that raised, no worker lost, 5 s each, 1 GiB of memory for the worker and for each decoding child.
Simulated input throughout: what strangers really send is not known.
"""

from __future__ import annotations

import collections
import itertools
import json
import logging
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path

from bench.mutants import CONTEXT, Trial, mutants, named
from core import figures, processes
from verification.standalone import Standalone, judge

SECONDS, MIB = 5.0, 1024.0
GIVEN_UP_S = 60.0  # then the worker counts as lost


@dataclass(frozen=True)
class Ended:
    """How one trial ended.

    Attributes:
        outcome: "accept", "review", "reject", an error's code, or "uncaught: <type>" or "lost".
        raised: the checks that raised, as "check: type".
        worker: its process id.
        peak_mib / child_mib: the most memory the worker and its decoding child have held so far.
    """

    kind: str
    outcome: str
    raised: tuple[str, ...]
    seconds: float
    worker: int = 0
    peak_mib: float = 0.0
    child_mib: float = 0.0


_opened: list[Standalone] = []


def ended(trial: Trial, standalone: Standalone) -> Ended:
    """Writes a trial into a folder and judges it; whatever is raised is what is measured."""
    with tempfile.TemporaryDirectory(prefix="spotcheck-bad-") as folder:
        for name, content in trial.files.items():
            (Path(folder) / name).write_bytes(content)
        started = time.perf_counter()
        raised: tuple[str, ...] = ()
        try:
            said = judge(standalone, Path(folder) / CONTEXT)
            outcome, raised = _read(json.loads(json.dumps(said, allow_nan=False)))
        except Exception as error:  # noqa: BLE001 - the thing measured
            outcome = f"uncaught: {type(error).__name__}: {error}"[:200]
        seconds = time.perf_counter() - started
    return Ended(trial.kind, outcome, raised, seconds)


def _read(said: dict[str, object]) -> tuple[str, tuple[str, ...]]:
    error, findings = said.get("error"), said.get("findings")
    if isinstance(error, dict):
        return str(error["code"]), ()
    raised = [f for f in findings if f["status"] == "error"] if isinstance(findings, list) else []
    return str(said["verdict"]), tuple(f"{f['check']}: {f['facts'].get('error')}" for f in raised)


def _begin() -> None:
    logging.disable(logging.CRITICAL)  # a check that raised is counted, not printed
    _opened.append(Standalone(device="cpu", copies=True))


def _in_worker(trial: Trial) -> Ended:
    found = ended(trial, _opened[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return replace(found, worker=os.getpid(), peak_mib=peak, child_mib=_child_peak())


def _child_peak() -> float:
    """The most memory that a child of this process now alive has held, MiB (Linux; else 0)."""
    peak = 0.0
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    for child in children.read_text().split() if children.exists() else []:
        try:
            status = Path(f"/proc/{child}/status").read_text()
        except OSError:
            continue
        held = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
        peak = max(peak, int(held[0]) / 1024 if held else 0.0)
    return peak


class Workers:
    """One worker process at a time; a new one when it was lost."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def judge(self, trial: Trial) -> Ended:
        """How the trial ended in the worker; "lost" when the worker died or hung."""
        if self._pool is None:
            self._pool = processes.pool(1, _begin)
            self._pool.submit(os.getpid).result()
        started = time.perf_counter()
        future: Future[Ended] = self._pool.submit(_in_worker, trial)
        try:
            return future.result(timeout=GIVEN_UP_S)
        except (BrokenProcessPool, TimeoutError):
            self.close()
            return Ended(trial.kind, "lost", (), time.perf_counter() - started)

    def close(self) -> None:
        """Ends the worker, hung or not."""
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):
                process.kill()
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def run(trials: Iterable[Trial]) -> Iterator[Ended]:
    """Each trial's end, in order."""
    workers = Workers()
    try:
        for number, trial in enumerate(trials, start=1):
            yield workers.judge(trial)
            if number % 250 == 0:
                print(f"{number} judged", file=sys.stderr, flush=True)
    finally:
        workers.close()


def none_of(name: str, hits: int, n: int) -> figures.Row:
    """A count that must be 0; the interval is of the count, with the rule of three above for none."""
    high = hits + 1.96 * max(1.0, hits) ** 0.5 if hits else 3.0
    return figures.Row(name, float(hits), max(0.0, hits - 1.96 * hits**0.5), high, n, bar="<= 0")


def rows(found: Sequence[Ended]) -> list[figures.Row]:
    """The table."""
    n, took = len(found), [item.seconds for item in found]
    peak, child = max(item.peak_mib for item in found), max(item.child_mib for item in found)
    return [
        none_of("uncaught exceptions", sum(item.outcome.startswith("uncaught") for item in found), n),
        none_of("trials in which a check raised", sum(bool(item.raised) for item in found), n),
        none_of("workers lost", sum(item.outcome == "lost" for item in found), n),
        figures.of_quantile("one trial, p50", took, 0.5, unit="s"),
        figures.of_quantile("one trial, p99", took, 0.99, unit="s"),
        figures.Row("the slowest trial", max(took), max(took), max(took), n, "s", f"<= {SECONDS}"),
        figures.Row("most memory of the worker", peak, peak, peak, n, "MiB", f"<= {MIB}"),
        figures.Row("most memory of its decoding child", child, child, child, n, "MiB", f"<= {MIB}"),
    ]


def main(given: Sequence[str] | None = None) -> int:
    """Runs the benchmark, names every trial that missed, and prints what became of all."""
    chosen = figures.arguments(__doc__).parse_args(given)
    count = 300 if chosen.quick else 3000
    every = itertools.islice(named(), 0, None, 5 if chosen.quick else 1)
    found = list(run(itertools.chain(mutants(chosen.seed, count), every)))
    for item in found:
        wrong = item.outcome.startswith("uncaught") or item.outcome == "lost" or item.raised
        if wrong or item.seconds > SECONDS:
            print(f"{item.kind}: {item.outcome} {' '.join(item.raised)} {item.seconds:.1f} s")
    became = collections.Counter(item.outcome for item in found)
    print(f"became: {', '.join(f'{count} {name}' for name, count in became.most_common())}")
    about = {"seed": chosen.seed, "mutants": count, "named": len(found) - count, "became": dict(became)}
    return figures.finish("bad input: mutants and named files (simulated)", rows(found), chosen.json, **about)


if __name__ == "__main__":
    sys.exit(main())
