"""What the command prints: how often each family passes, strata apart, with the bars of each.

A family's row: the share accepted with its 95 % interval, in review, rejected; n; how many bases.
A bar is met by the figure, not by its interval; the interval says what else it could be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from verification.calibration.scoring import Bools, Doubles, Figure, clustered, rate
from verification.redteam.control import BAR, control, enough
from verification.redteam.lines import Line
from verification.redteam.registry import Stratum

_MAIN_TIER = {Stratum.SIGHTED: 1, Stratum.HONEST: 1}  # the tier the bar speaks of; elsewhere any


@dataclass(frozen=True, slots=True)
class Row:
    """One family at one tier. Shares in 0..1."""

    family: str
    stratum: str
    tier: int
    accepted: Figure
    review: float
    rejected: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One demand on one stratum: `figure` must be `sign` ("<=" or ">=") `limit`."""

    name: str
    figure: Figure
    sign: str
    limit: float

    @property
    def met(self) -> bool:
        """Whether the figure meets it."""
        value = self.figure.value
        return value <= self.limit + 1e-12 if self.sign == "<=" else value >= self.limit - 1e-12


@dataclass(frozen=True, slots=True)
class Table:
    """All rows and bars of a run. `void` says why the run does not count; "" where it does."""

    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    control: Figure | None
    void: str
    left_out: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every bar is met and the run counts."""
        return not self.void and all(bar.met for bar in self.bars)

    def json(self) -> dict[str, object]:
        """The figures as plain values."""
        return {
            "simulated": True,
            "void": self.void,
            "control_auc": asdict(self.control) if self.control else None,
            "left_out": list(self.left_out),
            "bars": [{**asdict(bar), "met": bar.met} for bar in self.bars],
            "rows": [asdict(row) for row in self.rows],
        }


def table(lines: Sequence[Line], left_out: Sequence[str] = ()) -> Table:
    """The table of some lines (of one split)."""
    grouped: dict[tuple[str, str, int], list[Line]] = defaultdict(list)
    for line in lines:
        grouped[line.stratum, line.family, line.tier].append(line)
    order = list(Stratum)
    keys = sorted(grouped, key=lambda key: (order.index(Stratum(key[0])), -key[2], key[1]))
    rows = tuple(_row(key, grouped[key]) for key in keys)
    seen, void = control(lines), ""
    if seen and enough(lines) and seen.value > BAR:
        void = (
            f"file size, quantisation tables and EXIF alone tell cheats apart: AUC {seen.value:.3f} > {BAR}"
        )
    return Table(rows, tuple(_bars(lines)), seen, void, tuple(left_out))


def text(made: Table) -> Iterator[str]:
    """The lines to print."""
    for stratum in Stratum:
        own = [row for row in made.rows if row.stratum == stratum]
        if own:
            heads = f"{'accepted':>8} {'95 % interval':>15} {'review':>7} {'reject':>7} {'n':>5} {'bases':>5}"
            yield f"\n{stratum.value.upper():34} {heads}"
            yield from map(_line, own)
    yield ""
    for bar in made.bars:
        verdict = f"{bar.sign} {bar.limit:.2%} {'met' if bar.met else 'MISSED'} (n={bar.figure.n})"
        yield f"{bar.name:45} {_share_of(bar.figure)} {verdict}"
    if made.control:
        seen = made.control
        figure = f"{seen.value:.3f} ({seen.low:.3f}..{seen.high:.3f})"
        yield f"{'control: AUC of size, tables and EXIF alone':45} {figure} <= {BAR} (n={seen.n})"
    yield from (f"left out: {name}" for name in made.left_out)
    if made.void:
        yield f"VOID: {made.void}"


def _line(row: Row) -> str:
    shares = f"{_share_of(row.accepted)} {row.review:>7.1%} {row.rejected:>7.1%}"
    return f"{row.family:30} T{row.tier}  {shares} {row.accepted.n:>5} {row.accepted.clusters:>5}"


def _share_of(figure: Figure) -> str:
    return f"{figure.value:>8.1%} {figure.low:>7.1%}..{figure.high:<6.1%}"


def _row(key: tuple[str, str, int], own: list[Line]) -> Row:
    stratum, name, tier = key
    shares = {word: sum(line.verdict == word for line in own) / len(own) for word in ("review", "reject")}
    accepted = _share(own, "accept")
    return Row(name, stratum, tier, accepted, shares["review"], shares["reject"])


def _bars(lines: Sequence[Line]) -> Iterator[Bar]:
    for stratum in Stratum:
        own = [line for line in lines if line.stratum == stratum]
        if stratum in _MAIN_TIER:
            own = [line for line in own if line.tier == _MAIN_TIER[stratum]]
        if not own:
            continue
        if stratum is Stratum.HONEST:
            yield Bar("honest at T1: accepted", _share(own, "accept"), ">=", 0.90)
            yield Bar("honest at T1: rejected", _share(own, "reject"), "<=", 0.005)
        elif stratum is Stratum.PROTOCOL:
            yield Bar("protocol: accepted", _share(own, "accept"), "<=", 0.0)
        elif stratum is Stratum.SIGHTED:
            yield Bar("sighted at T1: mean over families", _macro(own), "<=", 0.03)
            yield Bar("sighted at T1: worst family", _worst(own), "<=", 0.10)
        else:
            limit = 0.01 if stratum is Stratum.REUSE else 0.05
            yield Bar(f"{stratum.value}: mean over families", _macro(own), "<=", limit)
            yield Bar(f"{stratum.value}: worst family", _worst(own), "<=", limit)


def _share(own: list[Line], verdict: str) -> Figure:
    return rate(np.array([line.verdict == verdict for line in own]), [line.base for line in own])


def _macro(own: list[Line]) -> Figure:
    """The mean of the families' shares, each of equal weight."""
    hits = np.array([line.verdict == "accept" for line in own])
    if hits.all() or not hits.any():  # resampling sees no spread there; the rule for shares does
        return _share(own, "accept")
    _, group = np.unique([line.family for line in own], return_inverse=True)

    def mean(share: Doubles, _: Bools, weights: Doubles) -> float:
        count = np.bincount(group, weights)
        return float((np.bincount(group, weights * share)[count > 0] / count[count > 0]).mean())

    return clustered(mean, hits.astype(np.float64), hits, np.ones(len(own)), [line.base for line in own])


def _worst(own: list[Line]) -> Figure:
    families: dict[str, list[Line]] = defaultdict(list)
    for line in own:
        families[line.family].append(line)
    return max((_share(each, "accept") for each in families.values()), key=lambda figure: figure.value)
