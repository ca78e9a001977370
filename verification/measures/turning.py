"""Does a gyroscope tell of the turns the frames saw? Axes, lag, unit and focal length are fitted.

The motion should come in the device's axes, but files of strangers come in a few other ways, so eight
conventions are tried and no more: device or camera axes, each with the picture turned by a quarter
against the device 0 to 3 times. Lags from -0.5 to 0.5 s are tried in steps of 20 ms; the unit is
radians or degrees, told by size; the focal length may differ by a factor (0.6 to 1.3 long sides), which
scales turns about x and y and not about the view axis.

How good a fit such a choice finds by chance depends on the burst: few frames or one smooth swing are
fitted by anything. So the same search runs on the gyroscope reversed in time and cut up and shuffled,
and `Agreement.chance` is the best that those reach. Before a near plane a shifting hand looks like a
turn, so the turns are read in two ways (`Tracks.turns`, `Tracks.near_turns`) and the better fit counts,
for chance as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from verification.measures.flow import FOCAL

if TYPE_CHECKING:
    from verification.case import Doubles, Sensed
    from verification.measures.flow import Mask, Tracks

LAGS = np.arange(-25, 26) * 0.02  # seconds
SCALES = (FOCAL / 1.3, FOCAL / 0.6)  # of seen over felt turns about x and y
DEGREES = 4.0  # rad/s: a hand's typical turning is below, in degrees a second it reads as above
COVERED = 0.6  # share of the pairs of frames that the motion must span at a lag
LAG_COST = 0.06  # of agreement, at the longest lag
AXES_COST = 0.02  # for any convention but the documented one
NEAR_COST = 0.04  # for the second way of reading the turns


def _conventions() -> dict[str, Doubles]:
    flip, quarter = np.diag([1.0, -1.0, -1.0]), np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    named = {}
    for k in range(4):
        turned = np.linalg.matrix_power(quarter, k)
        named[f"device_{90 * k}"] = flip @ turned
        named[f"camera_{90 * k}"] = turned
    return named


CONVENTIONS = _conventions()
_ORDERS = ((3, 6, 1, 4, 7, 2, 5, 0), (5, 2, 7, 0, 3, 6, 1, 4))


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How well felt turns fit seen ones.

    Attributes:
        value: 2 <seen, felt> / (|seen|^2 + |felt|^2) of the best fit, -1..1: 1 when they are the same.
        chance: the best `value` that the reversed and shuffled gyroscope reach.
        lag: seconds the gyroscope's clock is behind the frames'.
        convention: name of the axes that fit best.
        scale: fitted factor of seen over felt turns about x and y.
        near: whether the turns were read as before a near plane.
        felt: float64[n - 1, 3] radians in camera axes, one a pair of frames; NaN outside the motion.
        axes: correlation of seen and felt, one an axis; NaN where an axis was still.
    """

    value: float
    chance: float
    lag: float
    convention: str
    scale: float
    near: bool
    felt: Doubles
    axes: Doubles


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    score: float
    near: bool
    value: float
    lag: float
    convention: str
    scale: float
    felt: Doubles


def in_radians(sensed: Sensed) -> Doubles:
    """The gyroscope float64[n, 3] in rad/s, whichever of the two units it came in."""
    typical = float(np.median(np.linalg.norm(sensed.gyro, axis=1)))
    return np.radians(sensed.gyro) if typical > DEGREES else sensed.gyro


def agreement(tracks: Tracks, sensed: Sensed, gyro: Doubles) -> Agreement | None:
    """The best fit of the gyroscope (rad/s) to the turns seen; None when too few pairs can be compared."""
    if len(sensed.t) < 4 or np.isfinite(tracks.turns[:, 0]).sum() < 4:
        return None
    fits = [fit for near in (False, True) if (fit := _search(tracks, near, sensed.t, gyro)) is not None]
    if not fits:
        return None
    best = max(fits, key=lambda fit: fit.score)
    near = best.near
    pieces = np.array_split(gyro, 8)
    shuffled = [np.concatenate([pieces[k] for k in order]) for order in _ORDERS]
    chances = [
        fit.value
        for other in (gyro[::-1], -gyro[::-1], *shuffled)
        if (fit := _search(tracks, near, sensed.t, other)) is not None
    ]
    seen = tracks.near_turns if near else tracks.turns
    axes = np.array([_correlation(seen[:, k], best.felt[:, k]) for k in range(3)])
    chance = max(chances, default=0.0)
    return Agreement(best.value, chance, best.lag, best.convention, best.scale, near, best.felt, axes)


def _search(tracks: Tracks, near: bool, clock: Doubles, gyro: Doubles) -> _Fit | None:
    seen, t = tracks.near_turns if near else tracks.turns, tracks.t
    steps = np.diff(clock)[:, None] * (gyro[1:] + gyro[:-1]) / 2
    turned = np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])
    best: _Fit | None = None
    known = np.isfinite(seen[:, 0])
    for lag in LAGS:
        at = t + lag
        inside = (at >= clock[0] - 0.02) & (at <= clock[-1] + 0.02)
        usable = known & inside[1:] & inside[:-1]
        if usable.sum() < max(4, COVERED * known.sum()):
            continue
        sums = np.column_stack([np.interp(at, clock, turned[:, k]) for k in range(3)])
        felt = np.where(usable[:, None], np.diff(sums, axis=0), np.nan)
        for name, axes in CONVENTIONS.items():
            fit = _fit(seen, felt @ axes.T, usable, float(lag), name, near)
            if best is None or fit.score > best.score:
                best = fit
    return best


def _fit(seen: Doubles, felt: Doubles, usable: Mask, lag: float, name: str, near: bool) -> _Fit:
    a, b = seen[usable], felt[usable]
    across = float((b[:, :2] ** 2).sum())
    scale = float(np.clip((a[:, :2] * b[:, :2]).sum() / max(across, 1e-12), *SCALES))
    scaled = b * np.array([scale, scale, 1.0])
    total = float((a**2).sum() + (scaled**2).sum())
    value = 2 * float((a * scaled).sum()) / max(total, 1e-12)
    cost = LAG_COST * abs(lag) / LAGS[-1] + AXES_COST * (name != "device_0") + NEAR_COST * near
    return _Fit(value - cost, near, value, lag, name, scale, felt)


def _correlation(a: Doubles, b: Doubles) -> float:
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / size) if size > 1e-9 else float("nan")
