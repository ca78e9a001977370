"""A code that was not read at first: the photo looked at once more, and the frames of its burst.

Large writing on a busy ground is lost at the reader's usual sizes and found in a smaller picture; writing
blurred by the hand is not read at all, but stands sharp in another frame. There it is read, and the frame's
letters are laid over the photo (`measures.same_code`): they must be found where the frame's place in the
photo says, or the code is in the burst alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from verification.codes import Fit, best_fit
from verification.measures.flow import mapped
from verification.measures.placing import place, placed_in_burst
from verification.measures.same_code import seated
from verification.measures.sharpness import sharpness
from verification.writing import Text, joined

if TYPE_CHECKING:
    from verification.case import Case, Doubles, Reader

Pixels = npt.NDArray[np.uint8]

SMALL = 360  # long side at which large writing is found
CLIP, CELLS = 3.0, (8, 8)  # contrast limit and grid of the evened picture (CLAHE, Zuiderveld 1994)
AROUND = 6  # frames to either side of the photo's, of which
ASKED = 4  # the sharpest are read
MAPPED = 25  # inliers from which a frame's map to the photo is tried


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """A code that was read in a frame.

    Attributes:
        frame: its index.
        fit: how well the writing fits the code.
        likeness: correlation of the frame's letters with the photo's; None where they could not be laid
            over it.
        box: float64[4, 2], where they lie in the photo; None likewise.
    """

    frame: int
    fit: Fit
    likeness: float | None
    box: Doubles | None


def read_closer(rgb: Pixels, reader: Reader) -> list[Text]:
    """What is written in uint8[h, w, 3] when it is looked at smaller, and with its contrast evened."""
    return [*_read_small(rgb, reader), *reader.read(_evened(rgb), quick=True)]


def sought_in_frames(case: Case, code: str, by_chance: float) -> Laid | None:
    """The code as the sharpest frames about the photo's moment show it; None where none of them does.

    Of several that show it, the one whose letters are most like the photo's.

    Args:
        by_chance: a fit less likely than this by chance is a sight of the code.
    """
    where = placed_in_burst(case)
    if where is None or case.picture is None:
        return None
    best: Laid | None = None
    texts: list[str] = []
    for k in _sharpest(case, where.frame):
        rgb = case.frames[k].rgb
        found = _lines(case.tools.reader.read(rgb, quick=True))
        if best_fit(code, [text.text for text in found]).chance > by_chance:
            found = _lines(_read_small(rgb, case.tools.reader))
        fit = best_fit(code, [text.text for text in found])
        texts += [text.text for text in found]
        if fit.text < 0 or best_fit(code, texts).chance > by_chance:
            continue
        laid = _laid(case.picture.rgb, rgb, found[fit.text].box.astype(float))
        one = Laid(k, fit, *laid) if laid else Laid(k, fit, None, None)
        if best is None or (one.likeness or -1.0) > (best.likeness or -1.0):
            best = one
    return best


def _lines(texts: list[Text]) -> list[Text]:
    return texts + joined(texts)


def _sharpest(case: Case, middle: int) -> list[int]:
    near = range(max(0, middle - AROUND), min(len(case.frames), middle + AROUND + 1))
    return sorted(near, key=lambda k: -sharpness(case.frames[k].rgb))[:ASKED]


def _laid(photo: Pixels, frame: Pixels, box: Doubles) -> tuple[float, Doubles] | None:
    """The likeness of the frame's writing with the photo's, and its place there."""
    found = place(photo, [frame])
    if found.matrix is None or found.inliers < MAPPED or abs(np.linalg.det(found.matrix)) < 1e-9:
        return None
    back = np.asarray(np.linalg.inv(found.matrix), np.float64)
    if not np.isfinite(mapped(back, box)).all():
        return None
    return seated(frame, photo, back, box)


def _read_small(rgb: Pixels, reader: Reader) -> list[Text]:
    """What is read at a long side of SMALL; boxes in the picture's own pixels."""
    zoom = SMALL / max(rgb.shape[:2])
    if zoom >= 1:
        return []
    size = (max(32, round(rgb.shape[1] * zoom)), max(32, round(rgb.shape[0] * zoom)))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    grown = np.array([rgb.shape[1] / size[0], rgb.shape[0] / size[1]], np.float32)
    return [replace(text, box=text.box * grown) for text in reader.read(small, quick=True)]


def _evened(rgb: Pixels) -> Pixels:
    shades = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
    shades[..., 0] = cv2.createCLAHE(CLIP, CELLS).apply(np.ascontiguousarray(shades[..., 0]))
    return np.asarray(cv2.cvtColor(shades, cv2.COLOR_LAB2RGB), np.uint8)
