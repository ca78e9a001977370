"""Does writing stand still on the screen while the scene behind it moves?

Tracks often lose small writing, or see nothing else where the scene is plain. So the writing's own picture
is sought at its own place in the other frames (normalised correlation, Lewis 1995), and the scene's motion
is told by whatever points are followed away from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from verification.measures.placing import grown, inside

if TYPE_CHECKING:
    from verification.case import Doubles
    from verification.measures.flow import Tracks

MOVED_PX = 3.0  # at a long side of 480: the scene moves from one frame to the next,
POINTS = 3  # as the median of so many points says
PAIRS = 3  # fewer pairs of frames between which it moves say nothing
REACH = 3  # pixels to either side where the writing is sought
LEAST = (10, 5)  # pixels: smaller writing cannot be sought


@dataclass(frozen=True, slots=True)
class Sticking:
    """What the writing did where the scene moved.

    Attributes:
        likeness: correlation at its own place, -1..1; the median over the pairs of frames, and of a pair the
            lesser: 1 when it stays.
        stayed: share of the pairs in which no place near by was more like it.
        pairs: of frames between which the scene moved.
    """

    likeness: float
    stayed: float
    pairs: int


def sticking(tracks: Tracks, frame: int, box: Doubles) -> Sticking | None:
    """Of the writing in a box float64[4, 2] (pixels of `tracks.greys`) in a frame; None where it is too
    small or at the edge, or the scene moves too seldom."""
    width, height = tracks.size
    written = grown(box, 0.95, 0.85)
    left, top = np.maximum(np.floor(written.min(axis=0)), REACH).astype(int)
    right, bottom = np.minimum(np.ceil(written.max(axis=0)) + 1, (width - REACH, height - REACH)).astype(int)
    moving = _moving(tracks, grown(box, 1.6, 2.2))
    if right - left < LEAST[0] or bottom - top < LEAST[1] or moving.sum() < PAIRS:
        return None
    writing = tracks.greys[frame][top:bottom, left:right]
    around = (slice(top - REACH, bottom + REACH), slice(left - REACH, right + REACH))
    found = [cv2.matchTemplate(grey[around], writing, cv2.TM_CCOEFF_NORMED) for grey in tracks.greys]
    likeness = np.array([float(like[REACH, REACH]) for like in found])
    here = likeness >= np.array([float(like.max()) for like in found])
    pairs = np.minimum(likeness[1:], likeness[:-1])[moving]
    return Sticking(float(np.median(pairs)), float((here[1:] & here[:-1])[moving].mean()), len(pairs))


def _moving(tracks: Tracks, sheet: Doubles) -> npt.NDArray[np.bool_]:
    """Whether the scene away from a sheet moves from each frame to the next."""
    moved = np.zeros(len(tracks.t) - 1, bool)
    for k in range(len(moved)):
        here, there, _ = tracks.common(k, k + 1)
        away = np.linalg.norm(there - here, axis=1)[~inside(sheet, here)]
        moved[k] = len(away) >= POINTS and float(np.median(away)) > MOVED_PX
    return moved
