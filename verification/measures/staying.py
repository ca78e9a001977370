"""Whether what the photo shows is still there at the end of the step, by whose shift depth is told.

Otherwise a print could be let fall once the photo is taken, or stand in a true room that alone has depth. The
photo's frame and the last are laid over each other, the turn and the background's shift taken away, and
compared window by window (normalised correlation, Lewis 1995). What can be told at all in the photo's frame,
the frame beside it tells: where those two are alike there is more than noise. A gyroscope's turn strays
through a burst, so the best place within STRAYS counts, and each window's about that.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import cv2
import numpy as np

from verification.measures.carried import turned_by
from verification.measures.nearness import brought_back, fine
from verification.measures.placing import code_in_frame
from verification.measures.stepping import stepping_of

if TYPE_CHECKING:
    from verification.case import Case, Doubles
    from verification.measures.flow import Mask, Tracks
    from verification.measures.nearness import Floats
    from verification.measures.stepping import Course, Sheet, Stepping

ABOUT = (0, -1, 1)  # frames from the photo's
LATE = 2  # frames after the turns, which look like those before them, at which a step has hardly begun
STRAYS = 16  # pixels of half size, right and down
WINDOW = 25  # pixels of half size
NEAR = tuple(np.array([x, y], np.float64) for x in (-6, -3, 0, 3, 6) for y in (-6, -3, 0, 3, 6))  # pixels
TOLD, ALIKE = 0.7, 0.5  # likeness of a window with the frame beside; with the last, at one of NEAR
FEWEST = 200  # pixels of half size
WAY, SEEN = 0.5, 0.15  # least of the step's way; of what can be told, that the last frame may show
SLACK, SLACK_PX = 0.2, 8.0  # of the sheet's shift along it, and pixels, that the background may stray


@dataclass(frozen=True, slots=True)
class Staying:
    """What stays of what the photo shows behind the sheet.

    Attributes:
        told: share of the picture, 0..1, that can be told in the photo's frame.
        still: share of that, 0..1, that is still there in the last frame.
    """

    told: float
    still: float


def staying(case: Case, tracks: Tracks, shares: tuple[float, ...], enough: float) -> Staying | None:
    """Of the photo's frame and those about it, the first of which `enough` is still there in the last frame
    that the sheet was found in, or that of which most is.

    `shares`: of the sheet's shift, the background's, each of them will do. A frame some time after the turns
    that were asked for is not asked, nor one from which the sheet goes less than WAY of the step's way to the
    last: without a step near and far stay alike. None without a gyroscope or a sheet, and where nothing can
    be told.
    """
    stepping, seen = stepping_of(case, tracks), code_in_frame(case, tracks)
    course, sheet = stepping.course, stepping.sheet
    if course is None or sheet is None or seen is None:
        return None
    last, found = max(sheet.places), []
    since = turned_by(case.evidence.session.pan, course, tracks)
    step = _shifted(tracks, course, sheet, since, last)
    for k in (seen[0] + by for by in ABOUT if not since or seen[0] + by <= since + LATE):
        shift = sheet.shift(tracks, course, k, last)
        if shift is None or k >= last or np.linalg.norm(shift) < WAY * step:
            continue
        told = _beside(tracks, stepping, course, k)
        strays = [_strayed(tracks, stepping, course, (k, last), share, shift) for share in shares]
        stray = max(strays, key=lambda one: one[0])[1]
        ways = (share * shift + stray + by for share, by in product(shares, NEAR))
        best = np.fmax.reduce([_alike(tracks, stepping, course, k, last, way) for way in ways])
        known = (told >= TOLD) & np.isfinite(best)
        if known.sum() >= max(FEWEST, SEEN * (told >= TOLD).sum()):
            found.append(Staying(float(known.mean()), float((best[known] >= ALIKE).mean())))
            if found[-1].still >= enough:
                break
    return max(found, key=lambda one: one.still, default=None)


def _shifted(tracks: Tracks, course: Course, sheet: Sheet, since: int, last: int) -> float:
    """The farthest that the sheet is shifted from a frame since then to the last, pixels."""
    shifts = (sheet.shift(tracks, course, k, last) for k in sheet.places if since <= k < last)
    return max((float(np.linalg.norm(shift)) for shift in shifts if shift is not None), default=0.0)


def _beside(tracks: Tracks, stepping: Stepping, course: Course, k: int) -> Floats:
    """Likeness of each window with a frame before or after, the higher, float32[h, w]."""
    beside = [i for i in (k - 1, k + 1) if 0 <= i < len(tracks.t)]
    alike = [_alike(tracks, stepping, course, k, i, np.zeros(2)) for i in beside]
    return np.asarray(np.fmax.reduce(alike), np.float32)


def _strayed(
    tracks: Tracks, stepping: Stepping, course: Course, pair: tuple[int, int], share: float, shift: Doubles
) -> tuple[float, Doubles]:
    """How like the first frame the second is where it is most like it, and by how much more than by that
    share of the sheet's shift it is moved there, float64[2] pixels."""
    i, j = pair
    here, free = fine(tracks, stepping, i)
    there, clear = brought_back(tracks, stepping, course, i, j, share * shift)
    there, clear = _wider(there * clear), _wider(clear)
    products = cv2.matchTemplate(there, here * free, cv2.TM_CCORR)
    power = cv2.matchTemplate(clear, here * here * free, cv2.TM_CCORR)
    other = cv2.matchTemplate(there * there, free, cv2.TM_CCORR)
    likeness = products / np.sqrt(np.maximum(power * other, 1e-6 * (power * other).max()))
    likeness[~_near(shift)] = -1
    down, right = np.unravel_index(int(likeness.argmax()), likeness.shape)
    return float(likeness.max()), 2.0 * (np.array([right, down], np.float64) - STRAYS)


def _near(shift: Doubles) -> Mask:
    """Which moves within STRAYS change the background's share of the sheet's shift by little, bool[y, x]."""
    way = float(np.linalg.norm(shift))
    down, right = np.mgrid[-STRAYS : STRAYS + 1, -STRAYS : STRAYS + 1] * 2.0
    along = np.abs(right * shift[0] + down * shift[1]) / max(way, 1.0)
    return np.asarray(along <= max(SLACK * way, SLACK_PX))


def _wider(values: Floats) -> Floats:
    return np.pad(values, STRAYS)


def _alike(tracks: Tracks, stepping: Stepping, course: Course, i: int, j: int, shift: Doubles) -> Floats:
    """Likeness of frame j with frame i about each pixel of it at half size, float32[h, w]; NaN where half of
    a window and more is the sheet or out of the picture."""
    here, free = fine(tracks, stepping, i)
    there, clear = brought_back(tracks, stepping, course, i, j, shift)
    both = free * clear
    here, there = here * both, there * both
    count, product, power, other = (_summed(values) for values in (both, here * there, here**2, there**2))
    likeness = product / np.sqrt(np.maximum(power * other, np.float32(1e-6)))
    return np.where((count < WINDOW**2 / 2) | (both == 0), np.float32(np.nan), likeness)


def _summed(values: Floats) -> Floats:
    return np.asarray(cv2.boxFilter(values, -1, (WINDOW, WINDOW), normalize=False), np.float32)
