"""How near the scene behind the sheet is, as a share of how near the sheet is, from what a step shifts.

Between two frames, the turn taken away, a point at distance z is shifted by focal * travel / z. So the
background's shift along the sheet's own is the sheet's distance over the background's: 1 for what lies in the
sheet's plane, 0 for what is far. It needs neither the length of the step nor, much, the focal length. Of a
plane the share is linear across the picture; what is left of the best such plane is relief, but for as much
as is left across the shift, where no depth shows (the epipolar constraint): by so much the points stray.

Where too few points can be followed (a soft or dark background) the share is that at which the background's
pictures, laid over each other, are most alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from verification.measures.stepping import background, camera, stepping_of

if TYPE_CHECKING:
    from verification.case import Case, Doubles
    from verification.measures.flow import Tracks
    from verification.measures.stepping import Course, Sheet, Stepping

Floats = npt.NDArray[np.float32]

LEAST_PX = 20.0  # shift of the sheet from which shares can be told
CLOSE, LAYER = 0.15, 0.05  # share from which a point is not far; how far off a plane another layer is
POINTS = 10  # of the background, followed in both frames
PLAUSIBLE = (-0.3, 1.6)  # shares: beyond, a point was followed wrongly or is nearer than the sheet
SHARES = np.arange(-0.2, 1.41, 0.05)  # tried on pictures laid over each other
ALIKE, AHEAD, APART = 0.35, 0.08, 0.2  # least correlation, by how much it is the best, of shares so far off
CONTRAST = 1.2  # least standard deviation, grey levels, of what is compared: less is the sensor's
FEWEST = 1000  # pixels of half size that both pictures must show
ROUGH = 4.0  # pixels: what is coarser than this many is left out of the comparison


@dataclass(frozen=True, slots=True)
class Nearness:
    """What a pair of frames shows of the background.

    Attributes:
        turned: radians between the frames.
        sheet_px: the sheet's shift.
        share: the background's shift along it, as a share of it; the median point's. NaN where the sheet was
            shifted by less than LEAST_PX.
        apart_px: between the sheet and where the background's best plane would put it.
        relief: from the 10th to the 90th percentile of what is left of that plane, less what is left across
            the shift, as a share of `share`; NaN where `share` is, and where points were too few.
        layered: of the points that are not far, the share that is off the plane that most of them lie on;
            NaN as `relief` is, 0 where they were too few.
        points: followed; 0 where pictures were laid over each other.
    """

    turned: float
    sheet_px: float
    share: float
    apart_px: float
    relief: float
    layered: float
    points: int


def nearness(case: Case, tracks: Tracks) -> tuple[Nearness, ...]:
    """What pairs of frames show in which the sheet was found: the last such frame with some before it.

    () without a gyroscope or a sheet.
    """
    stepping = stepping_of(case, tracks)
    if stepping.sheet is None:
        return ()
    last = max(stepping.sheet.places)
    before = {stepping.sheet.frame, *range(len(tracks.t) // 3, last - 2, 2)}
    found = (between(stepping, tracks, i, last) for i in sorted(before))
    return tuple(one for one in found if one is not None)


def between(stepping: Stepping, tracks: Tracks, i: int, j: int) -> Nearness | None:
    """What two frames show, i before j; None where the sheet was not found in both, or nothing can be told.

    Found at the first call and kept.
    """
    course, sheet = stepping.course, stepping.sheet
    if course is None or sheet is None or not i < j:
        return None
    if (i, j) not in stepping.pairs:
        shift = sheet.shift(tracks, course, i, j)
        seen = None if shift is None else _by_points(tracks, course, sheet, i, j, shift)
        if shift is not None and seen is None and np.linalg.norm(shift) >= LEAST_PX:
            seen = _by_likeness(tracks, stepping, course, i, j, shift)
        stepping.pairs[i, j] = seen
    return stepping.pairs[i, j]


def _by_points(
    tracks: Tracks, course: Course, sheet: Sheet, i: int, j: int, shift: Doubles
) -> Nearness | None:
    here, moved = background(tracks, course, sheet, i, j)
    size, turned = float(np.linalg.norm(shift)), course.angle(i, j)
    along = moved @ shift / max(size, LEAST_PX) ** 2
    sane = (along > PLAUSIBLE[0]) & (along < PLAUSIBLE[1])
    if sane.sum() < POINTS:
        return None
    here, moved, along = here[sane], moved[sane], along[sane]
    middle = sheet.places[i].mean(axis=0, keepdims=True)
    there = np.hstack([_plane(here, moved[:, k], middle) for k in range(2)])
    apart = float(np.linalg.norm(shift - there))
    if size < LEAST_PX:
        return Nearness(turned, size, float("nan"), apart, float("nan"), float("nan"), len(here))
    across = moved @ np.array([-shift[1], shift[0]]) / size**2
    share = float(np.median(along))
    relief = np.sqrt(max(_left(here, along) ** 2 - _left(here, across) ** 2, 0.0))
    relief = float(relief) / max(share, 0.02)
    layered = _layered(here, along, 1.5 / size)
    return Nearness(turned, size, share, apart, relief, layered, len(here))


def _layered(xy: Doubles, shares: Doubles, seen_to: float) -> float:
    close = shares >= CLOSE
    if close.sum() < POINTS:
        return 0.0
    xy, shares = xy[close], shares[close]
    return float((np.abs(shares - _plane(xy, shares, xy)) > max(LAYER, seen_to)).mean())


def _left(xy: Doubles, values: Doubles) -> float:
    """From the 10th to the 90th percentile of what is left of the best plane."""
    low, high = np.quantile(values - _plane(xy, values, xy), [0.1, 0.9])
    return float(high - low)


def _plane(xy: Doubles, values: Doubles, at: Doubles) -> Doubles:
    """The value at pixels `at` float64[k, 2] of what is linear in x and y and fits most of the values
    (reweighted least squares, by their distance)."""
    middle, scale = xy.mean(axis=0), np.maximum(xy.std(axis=0), 1.0)
    design = np.column_stack([np.ones(len(xy)), (xy - middle) / scale])
    fit, ridge = np.array([_median(values), 0.0, 0.0]), np.diag([0.0, 1e-3, 1e-3])
    for _ in range(12):
        left = np.abs(values - design @ fit)
        spread = max(1.5 * _median(left), 1e-3)
        weight = 1 / (1 + (left / spread) ** 2)
        weighed = design.T * weight
        fit = np.linalg.solve(weighed @ design + ridge * weight.sum(), weighed @ values)
    return np.asarray(np.column_stack([np.ones(len(at)), (at - middle) / scale]) @ fit)


def _median(values: Doubles) -> float:
    """As numpy's, which takes five times as long over so few."""
    low, high = (len(values) - 1) // 2, len(values) // 2
    ordered = np.partition(values, (low, high))
    return float(ordered[low] + ordered[high]) / 2


def _by_likeness(
    tracks: Tracks, stepping: Stepping, course: Course, i: int, j: int, shift: Doubles
) -> Nearness | None:
    (here, free), (there, bare) = (fine(tracks, stepping, k) for k in (i, j))
    if min(here[free > 0].std(), there[bare > 0].std()) < CONTRAST:
        return None
    scores = []
    for share in SHARES:
        seen, clear = brought_back(tracks, stepping, course, i, j, share * shift)
        both = free * clear > 0
        scores.append(_likeness(here[both], seen[both]))
    likeness = np.array(scores)
    best = int(likeness.argmax())
    others = likeness[np.abs(SHARES - SHARES[best]) > APART]
    if likeness[best] < ALIKE or likeness[best] < others.max() + AHEAD or best in {0, len(SHARES) - 1}:
        return None
    low, top, high = likeness[best - 1 : best + 2]
    share = float(SHARES[best] + 0.05 * 0.5 * (low - high) / min(low - 2 * top + high, -1e-6))
    far = float(np.linalg.norm(shift))
    return Nearness(course.angle(i, j), far, share, far * abs(1 - share), float("nan"), float("nan"), 0)


def brought_back(
    tracks: Tracks, stepping: Stepping, course: Course, i: int, j: int, shift: Doubles
) -> tuple[Floats, Floats]:
    """Frame j as `fine` makes it, laid over frame i, the turn and a shift float64[2] (pixels) taken away; and
    1 where it is free and in the picture."""
    matrix = camera(tracks, course.focal)
    unturned = matrix @ course.between(i, j) @ np.linalg.inv(matrix)
    half, double = np.diag([0.5, 0.5, 1.0]), np.diag([2.0, 2.0, 1.0])
    by = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]], [0, 0, 1.0]])
    there, clear = fine(tracks, stepping, j)
    back, size = half @ by @ unturned @ double, there.shape[::-1]
    seen = cv2.warpPerspective(there, back, size)
    free = cv2.warpPerspective(clear, back, size, flags=cv2.INTER_NEAREST)
    return np.asarray(seen, np.float32), np.asarray(free, np.float32)


def fine(tracks: Tracks, stepping: Stepping, k: int) -> tuple[Floats, Floats]:
    """A frame at half its size with what is between fine grain and slow shading, and 1 where that is free.

    Free is what is neither sheet nor hand; shading is taken from it alone, or the sheet's edge would count.
    Found at the first call and kept.
    """
    if k not in stepping.fine:
        half = tracks.halves[k]
        rows, columns = np.indices(half.shape, dtype=np.float64)
        pixels = np.column_stack([columns.ravel(), rows.ravel()]) * 2
        free = np.ones(half.shape, np.float32)
        if stepping.sheet is not None:
            free[stepping.sheet.covers(k, pixels).reshape(half.shape)] = 0
        calm = half.astype(np.float32) * free
        fast, slow = (
            cv2.GaussianBlur(calm, (0, 0), width) / np.maximum(cv2.GaussianBlur(free, (0, 0), width), 1e-3)
            for width in (ROUGH / 4, 2 * ROUGH)
        )
        stepping.fine[k] = np.asarray(fast - slow, np.float32), free
    return stepping.fine[k]


def _likeness(one: Floats, other: Floats) -> float:
    if len(one) < FEWEST:
        return 0.0
    a, b = (values.astype(np.float64) - float(values.mean()) for values in (one, other))
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-6))
