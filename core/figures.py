"""What every measuring command prints and writes: a table with n and 95 % intervals, and JSON on request."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

# Student's t, 97.5 %, by degrees of freedom 1..30; beyond, the normal's (Fisher & Yates 1963, table III).
_T = (
    12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13,
    2.12, 2.11, 2.10, 2.09, 2.09, 2.08, 2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05, 2.04,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: its median (or mean), n, a 95 % interval, and the bar it is held to, if any.

    `bar` reads ">= 0.5" or "<= 200"; None is a figure without a bar.
    """

    name: str
    value: float
    low: float
    high: float
    n: int
    unit: str = ""
    bar: str | None = None

    @property
    def met(self) -> bool | None:
        """Whether the value meets its bar; None without one."""
        if self.bar is None:
            return None
        sign, limit = self.bar.split()
        return self.value >= float(limit) if sign == ">=" else self.value <= float(limit)


def of_samples(name: str, samples: Sequence[float], *, unit: str = "", bar: str | None = None) -> Row:
    """The mean of independent samples with Student's 95 % interval (n >= 2; of one, no interval)."""
    n, mean = len(samples), statistics.fmean(samples)
    if n < 2:
        return Row(name, mean, math.nan, math.nan, n, unit, bar)
    t = _T[n - 2] if n - 2 < len(_T) else 1.96
    half = t * statistics.stdev(samples) / math.sqrt(n)
    return Row(name, mean, mean - half, mean + half, n, unit, bar)


def of_quantile(
    name: str, samples: Sequence[float], q: float, *, unit: str = "", bar: str | None = None
) -> Row:
    """A quantile with the distribution-free 95 % interval of order statistics (normal approximation)."""
    ordered, n = sorted(samples), len(samples)
    half = 1.96 * math.sqrt(n * q * (1 - q))

    def at(rank: float) -> float:
        return ordered[min(n - 1, max(0, math.ceil(rank) - 1))]

    return Row(name, at(n * q), at(n * q - half), at(n * q + half), n, unit, bar)


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """The options every such command takes."""
    parser = argparse.ArgumentParser(description=(doc or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="under three minutes")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def finish(title: str, rows: Sequence[Row], path: Path | None, **about: object) -> int:
    """Prints the table, writes the JSON, and returns 1 when a bar is missed, else 0."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    said = [f"{title}\n{machine}; commit {_commit()}; {datetime.now(UTC):%Y-%m-%d}"]
    said += [f"{'figure':52} {'value':>10} {'95 % interval':>22} {'n':>6}  bar"]
    for row in rows:
        interval = f"{row.low:.3g} .. {row.high:.3g}"
        verdict = "" if row.met is None else f"{row.bar} {'met' if row.met else 'MISSED'}"
        said += [f"{row.name:52} {row.value:>10.3g} {interval:>22} {row.n:>6}  {verdict} {row.unit}".rstrip()]
    sys.stdout.write("\n".join(said) + "\n")
    if path is not None:
        facts = {"title": title, "machine": machine, "commit": _commit(), **about}
        path.write_text(json.dumps({**facts, "rows": [asdict(row) for row in rows]}, indent=1) + "\n")
    return 1 if any(row.met is False for row in rows) else 0


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"
