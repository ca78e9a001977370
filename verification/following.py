"""Where a part of a picture goes in the pictures before and after it, for what was found at one moment.

The part is sought as it looks, corners on it (or around it) are followed from there by optical flow
(`measures.flow`), and it goes where a similarity takes most of them. Flow alone takes what is small and quick
for what is behind it. A way ends where too few corners agree: at a cut, behind something, out of the picture,
or in a blur.
Limits: what moves by more than REACH between two pictures is lost, and so is what has few corners of its own;
what turns away from the camera is followed as long as its corners look alike.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import pairwise
from operator import itemgetter
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from verification.measures.flow import there_and_back
from verification.picture import Pixels
from verification.tracks import JUMP, Area, Seen, apart

Points: TypeAlias = npt.NDArray[np.float32]

AROUND = 1.0  # heights of a part, to each side: what is near it mostly moves with it
CORNERS, ENOUGH, LEAST = 40, 12, 6  # that are followed; fewer want those around; that must agree at least
REACH, ALIKE = 160, 0.5  # pixels to each side in which it is sought as it looked, and how alike it must be
COARSE, CONTRAST = 24, 2.0  # pixels from which it is sought at half the size; grey levels for a look at all
LEVELS = 1  # of the flow from there
STEPS = 1000  # from picture to picture, of all that is followed in a film: two to four seconds
OWN = 2  # corners in the part itself that must agree at least
AGREE_PX, MOST = 2.0, 0.5  # pixels from a similarity, and the share of all corners that must be as near
SCALE = 1.5  # times that a part may grow or shrink from picture to picture


class Reel:
    """The pictures of a film, small and grey, in the order of time.

    Attributes:
        times: seconds, rising.
    """

    def __init__(self, pictures: Iterable[tuple[float, Pixels]]) -> None:
        """Of (seconds, uint8[h, w, 3]), of one shape but for their size; the first are as small as any."""
        seen = list(pictures)
        kept = dict(sorted(seen, key=itemgetter(0)))
        self.times = list(kept)
        self._greys = [grey(rgb, seen[0][1].shape) for rgb in kept.values()]
        self._steps = STEPS

    def followed(self, seen: Seen) -> Seen:
        """What was found in some of the pictures, and where it was before, between and after these, as far as
        it can be followed; between two only where it gets from one to the other."""
        (first, at_first), (last, at_last) = seen[0], seen[-1]
        before = list(self._way(range(self._number(first), -1, -1), at_first))
        between = [part for one, other in pairwise(seen) for part in (*self._between(one, other), other)]
        after = self._way(range(self._number(last), len(self.times)), at_last)
        return [*reversed(before), seen[0], *between, *after]

    def _number(self, t: float) -> int:
        return bisect_left(self.times, t)

    def _between(self, one: tuple[float, Area], other: tuple[float, Area]) -> list[tuple[float, Area]]:
        numbers = range(self._number(one[0]), self._number(other[0]) + 1)
        way = list(self._way(numbers, one[1])) if len(numbers) > 2 else []
        arrived = way and way[-1][0] == other[0] and apart(way[-1][1], other[1]) <= JUMP
        return way[:-1] if arrived else []

    def _way(self, numbers: range, area: Area) -> Iterator[tuple[float, Area]]:
        """From one picture to the next, until it is lost."""
        height, width = self._greys[0].shape
        left, top, right, bottom = area
        size = np.array([width, height], np.float32)
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32) * size
        for here, there in pairwise(numbers):
            self._steps -= 1
            matrix = (
                _moved(self._greys[here], self._greys[there], _box(corners)) if self._steps >= 0 else None
            )
            if matrix is None:
                return
            corners = np.asarray(corners @ matrix[:, :2].T + matrix[:, 2], np.float32)
            left, top, right, bottom = (float(edge) for edge in _box(corners) / np.tile(size, 2))
            if right <= 0 or bottom <= 0 or left >= 1 or top >= 1:
                return
            yield self.times[there], (left, top, right, bottom)


def _box(corners: Points) -> Points:
    """Left, top, right and bottom of float32[4, 2]."""
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def grey(rgb: Pixels, shape: tuple[int, ...]) -> Pixels:
    """The brightness of uint8[h, w, 3] at that height and width."""
    one = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if one.shape == shape[:2]:
        return np.asarray(one, np.uint8)
    return np.asarray(cv2.resize(one, shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _moved(one: Pixels, other: Pixels, box: Points) -> Points | None:
    """The similarity float32[2, 3] that takes the box (pixels) of one picture to the other; None where it is
    lost. Those in the box must agree with it, for those around it may be of what is behind."""
    points = _corners(one, box)
    if len(points) < LEAST:
        return None
    gone, kept = there_and_back(one, other, points, _leap(one, other, box), LEVELS)
    if kept.sum() < LEAST:
        return None
    matrix, agree = cv2.estimateAffinePartial2D(
        points[kept], gone[kept], method=cv2.RANSAC, ransacReprojThreshold=AGREE_PX
    )
    if matrix is None or agree.sum() < max(LEAST, MOST * len(points)):
        return None
    within = np.asarray(((points >= box[:2]) & (points <= box[2:])).all(axis=1), bool)
    if (within[kept] & (agree.ravel() > 0)).sum() < max(OWN, MOST * within.sum()):
        return None
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    return np.asarray(matrix, np.float32) if 1 / SCALE <= scale <= SCALE else None


def _leap(one: Pixels, other: Pixels, box: Points) -> Points:
    """How far the part went, float32[2] whole pixels, where it looks as before; coarsely, flow goes on."""
    left, top = np.clip(box[:2], 0, (one.shape[1] - 1, one.shape[0] - 1)).astype(int)
    right, bottom = np.maximum(np.ceil(box[2:]).astype(int), (left + 1, top + 1))
    part = one[top:bottom, left:right]
    x, y = max(0, left - REACH), max(0, top - REACH)
    room = other[y : top + part.shape[0] + REACH, x : left + part.shape[1] + REACH]
    step = 1
    if min(part.shape) >= COARSE:
        step, part, room = 2, _halved(part), _halved(room)
    if part.std() < CONTRAST:
        return np.zeros(2, np.float32)
    _, best, _, at = cv2.minMaxLoc(cv2.matchTemplate(room, part, cv2.TM_CCOEFF_NORMED))
    if best < ALIKE:
        return np.zeros(2, np.float32)
    return np.array([step * at[0] + x - left, step * at[1] + y - top], np.float32)


def _halved(one: Pixels) -> Pixels:
    return np.asarray(cv2.resize(one, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def _corners(one: Pixels, box: Points) -> Points:
    """float32[n, 2], in the box; where it holds too few, around it, too."""
    found = np.zeros((0, 2), np.float32)
    for rim in (0.0, AROUND * (box[3] - box[1])):
        left, top = np.maximum(box[:2] - rim, 0).astype(int)
        right, bottom = np.maximum(np.ceil(box[2:] + rim), 0).astype(int)
        part = one[top:bottom, left:right]
        some = cv2.goodFeaturesToTrack(part, CORNERS, 0.02, 2) if min(part.shape) >= LEAST else None
        if some is not None:
            found = np.asarray(some.reshape(-1, 2) + np.array([left, top]), np.float32)
        if len(found) >= ENOUGH:
            break
    return found
