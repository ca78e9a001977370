"""Does a gyroscope tell of the turns the frames saw? Axes, lag, unit and focal length are fitted.

In the market one device states both clocks and the axes (docs/api.md), so little is fitted (`one_clock`):
lags from -0.2 s (a page stamps a picture when it gets it, after the camera is done with it) to 0.12 s in
steps of 10 ms, and the device's axes, turned by quarters where the phone is not held upright, for a page
turns the picture with the phone and not the sensors. Files of strangers come in other ways: lags to
0.5 s either way in steps of 20 ms, and eight conventions, device or camera axes, each with the picture
turned by a quarter 0 to 3 times. The unit is radians or degrees, told by size; the focal length may
differ by a factor of 0.6 to 1.7, which scales turns about x and y and not about the view axis.

Turns from frame to frame are seen to a share of their size, so each pair of frames is weighed by its own
size: what lies between the strokes, a hand's tremor and the leak across axes, counts as much as they do.
For whoever makes the same turns at another time has strokes like these, but not this tremor. The last
stretch in which the gyroscope rests is not compared: there a hand may step aside, and before a near
scene a shift looks like a turn. For the same reason turns are read in two ways (`Tracks.turns`,
`Tracks.near_turns`), and the better fit counts.

How good a fit the search finds by chance depends on the burst: few frames or one smooth swing are fitted
by anything. So the same search runs on the gyroscope reversed in time and cut up and shuffled, and
`Agreement.chance` is the best that those reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from verification.case import Doubles, Sensed
    from verification.measures.flow import Mask, Tracks

LAGS: Doubles = np.arange(-25, 26) / 50.0  # seconds, of two clocks
ONE_CLOCK: Doubles = np.arange(-20, 13) / 100.0  # of one
SCALES = (0.6, 1.7)  # of seen over felt turns about x and y: another lens, and a swing about the elbow
FINE = 0.01  # rad: the turn from frame to frame is seen this well,
COARSE = 0.4  # and to this share of its size
RESTS = 0.3  # of the gyroscope's top speed
ASIDE_S = 1.2  # longest stretch at the end in which the hand may step aside
UPRIGHT = 3.0  # m/s^2 of gravity along the screen: it stands
DEGREES = 4.0  # rad/s: a hand's typical turning is below, in degrees a second it reads as above
COVERED = 0.6  # share of the pairs of frames that the motion must span at a lag
LAG_COST = 0.12  # of agreement, a second
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
        value: 2 <seen, felt> / (|seen|^2 + |felt|^2) of the best fit, each pair of frames weighed by its
            size, -1..1: 1 when they are the same.
        typical: the median over the pairs of frames of the squared difference of seen and felt, in squares
            of how well such a turn is seen (FINE, COARSE): near 0 when they are the same. A hand that
            shifts before a near thing spoils few pairs, another's turns most.
        chance: the best `value` that the reversed and shuffled gyroscope reach.
        lag: seconds the gyroscope's clock is behind the frames'.
        convention: name of the axes that fit best.
        scale: fitted factor of seen over felt turns about x and y.
        near: whether the turns were read as before a near plane.
        felt: float64[n - 1, 3] radians in camera axes, one a pair of frames; NaN where not compared.
        axes: correlation of seen and felt, one an axis; NaN where an axis was still.
    """

    value: float
    typical: float
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


class _Course:
    """The angles a gyroscope adds up to: float64[n] seconds, float64[n, 3] rad/s."""

    def __init__(self, clock: Doubles, gyro: Doubles) -> None:
        steps = np.diff(clock)[:, None] * (gyro[1:] + gyro[:-1]) / 2
        self._clock = clock
        self._turned = np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])

    def between(self, at: Doubles) -> tuple[Doubles, Mask]:
        """How far it turned from each time to the next, float64[..., k - 1, 3], and which lie in its record,
        of times float64[..., k]."""
        inside = (at >= self._clock[0] - 0.02) & (at <= self._clock[-1] + 0.02)
        sums = np.stack([np.interp(at, self._clock, angle) for angle in self._turned.T], axis=-1)
        return np.diff(sums, axis=-2), inside[..., 1:] & inside[..., :-1]


def in_radians(sensed: Sensed) -> Doubles:
    """The gyroscope float64[n, 3] in rad/s, whichever of the two units it came in."""
    typical = float(np.median(np.linalg.norm(sensed.gyro, axis=1)))
    return np.radians(sensed.gyro) if typical > DEGREES else sensed.gyro


def felt_turns(sensed: Sensed, t: Doubles) -> Doubles:
    """The turns from frame to frame by the gyroscope, in camera axes and on one clock, float64[n - 1, 3]."""
    turned, _ = _Course(sensed.t, in_radians(sensed)).between(t)
    return np.asarray(turned @ CONVENTIONS["device_0"].T)


def agreement(
    tracks: Tracks, sensed: Sensed, gyro: Doubles, *, one_clock: bool = False, pairs: int | None = None
) -> Agreement | None:
    """The best fit of the gyroscope (rad/s) to the turns seen; None when too few pairs can be compared.

    Args:
        one_clock: the device states times and axes, as it must in the market; else both are searched.
        pairs: so many pairs of frames, from the first, are compared; None: all but the last rest.
    """
    if len(sensed.t) < 4 or np.isfinite(tracks.turns[:, 0]).sum() < 4:
        return None
    names = held(sensed) if one_clock else tuple(CONVENTIONS)
    lags = ONE_CLOCK if one_clock else LAGS

    def search(felt: Doubles, near: bool) -> _Fit | None:
        course = _Course(sensed.t, felt)
        return _search(tracks, course, near, lags, names, pairs)

    fits = [fit for near in (False, True) if (fit := search(gyro, near)) is not None]
    if not fits:
        return None
    best = max(fits, key=lambda fit: fit.score)
    pieces = np.array_split(gyro, 8)
    shuffled = [np.concatenate([pieces[k] for k in order]) for order in _ORDERS]
    others = (gyro[::-1], -gyro[::-1], *shuffled)
    chance = max(
        (fit.value for other in others if (fit := search(other, best.near)) is not None), default=0.0
    )
    seen = tracks.near_turns if best.near else tracks.turns
    axes = np.array([_correlation(seen[:, k], best.felt[:, k]) for k in range(3)])
    return Agreement(
        value=best.value,
        typical=_typical(seen, best),
        chance=chance,
        lag=best.lag,
        convention=best.convention,
        scale=best.scale,
        near=best.near,
        felt=best.felt,
        axes=axes,
    )


def held(sensed: Sensed) -> tuple[str, ...]:
    """The conventions a phone may hand its turns in: its own axes where gravity says that it is upright;
    else these by any quarter, for a screen may turn with the phone or not, and phones differ in the sign
    that gravity has in `devicemotion`."""
    named = tuple(name for name in CONVENTIONS if name.startswith("device"))
    right, up, _ = sensed.acceleration.mean(axis=0)
    return named[:1] if up >= UPRIGHT and up > 2 * abs(right) else named


def _search(
    tracks: Tracks,
    course: _Course,
    near: bool,
    lags: Doubles,
    names: tuple[str, ...],
    pairs: int | None,
) -> _Fit | None:
    seen = tracks.near_turns if near else tracks.turns
    known = np.isfinite(seen[:, 0]) & (np.arange(len(seen)) < (len(seen) if pairs is None else pairs))
    turned, inside = course.between(tracks.t + lags[:, None])
    usable = known & inside
    able = usable.sum(axis=1) >= max(4, COVERED * known.sum())
    if not able.any():
        return None
    lags, turned, usable = lags[able], turned[able], usable[able]
    if pairs is None:
        usable &= _before_rest(turned, tracks.t)
    return _fit(np.where(known[:, None], seen, 0), turned, usable, lags, names, near)


def _before_rest(turned: Doubles, t: Doubles) -> Mask:
    """Pairs of frames before the gyroscope comes to its last rest (all, where most would be lost), bool[k, n]
    for turns float64[k, n, 3]."""
    speed = np.linalg.norm(turned, axis=2) / np.diff(t)
    turning = speed >= RESTS * speed.max(axis=1, keepdims=True)
    not_yet = np.logical_or.accumulate(turning[:, ::-1], axis=1)[:, ::-1]
    kept = not_yet | (t[1:] <= t[-1] - ASIDE_S)
    enough = kept.sum(axis=1) >= max(4, COVERED * kept.shape[1])
    return np.asarray(kept | ~enough[:, None])


def _fit(
    seen: Doubles, turned: Doubles, usable: Mask, lags: Doubles, names: tuple[str, ...], near: bool
) -> _Fit:
    """The best of all fits: turns are float64[lags, pairs, 3], sums float64[lags, conventions(, 3, 3)]."""
    # A convention permutes axes and changes signs, so sums over the pairs, by seen and felt axis, serve all.
    axes = np.stack([CONVENTIONS[name] for name in names])
    weight = _weight(seen, turned) * usable[..., None]
    squares = np.abs(axes) * (weight.transpose(0, 2, 1) @ (turned * turned))[:, None]
    products = axes * ((weight * seen).transpose(0, 2, 1) @ turned)[:, None]
    own, alike = squares.sum(axis=3), products.sum(axis=3)
    scale = np.clip(alike[..., :2].sum(axis=2) / np.maximum(own[..., :2].sum(axis=2), 1e-12), *SCALES)
    scales = np.stack([scale, scale, np.ones_like(scale)], axis=2)
    total = (weight * seen**2).sum(axis=(1, 2))[:, None] + (scales**2 * own).sum(axis=2)
    value = 2 * (scales * alike).sum(axis=2) / np.maximum(total, 1e-12)
    other = np.array([name != "device_0" for name in names])
    score = value - (LAG_COST * np.abs(lags)[:, None] + AXES_COST * other + NEAR_COST * near)
    best = np.unravel_index(int(np.argmax(score)), score.shape)
    at, of = (int(k) for k in best)
    shown = np.where(usable[at, :, None], turned[at] @ axes[of].T, np.nan)
    return _Fit(
        float(score[best]), near, float(value[best]), float(lags[at]), names[of], float(scale[best]), shown
    )


def _weight(seen: Doubles, felt: Doubles) -> Doubles:
    """One over the square of how well turns float64[..., 3] of this size are seen."""
    size = np.linalg.norm(seen, axis=-1) + np.linalg.norm(felt, axis=-1)
    weight = np.repeat(1 / (FINE**2 + (COARSE * size[..., None]) ** 2), 3, axis=-1)
    weight[..., 2] *= seen[..., 2] != 0  # a whole picture's shift tells no turn about the view axis
    return weight


def _typical(seen: Doubles, fit: _Fit) -> float:
    known = np.isfinite(seen[:, 0]) & np.isfinite(fit.felt[:, 0])
    a, b = seen[known], fit.felt[known]
    away = a - b * np.array([fit.scale, fit.scale, 1.0])
    return float(np.median((_weight(a, b) * away**2).sum(axis=1)))


def _correlation(a: Doubles, b: Doubles) -> float:
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / size) if size > 1e-9 else float("nan")
