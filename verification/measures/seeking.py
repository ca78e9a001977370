"""A picture of the sheet, sought again in another frame: near a place, at a few sizes and leanings.

Likeness is normalised correlation (Lewis 1995). Far about the place it is searched at half size, and at full
size only about the best place there.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
Doubles = npt.NDArray[np.float64]

FOUND = 0.5  # least correlation of a picture with where it is found
SURELY = 0.7  # and from which it is sought at other sizes close by alone
SCALES = np.array([1.0, 0.95, 1.05])  # of the picture, the likeliest first
REACH = 100.0  # pixels about where it is expected
CLOSE = 12.0  # pixels about where it is found at one size, within which it is sought at others
FAR, COARSEST = 16.0, 16  # pixels: a farther reach is searched at half size, but for smaller pictures;
NEAR = 4.0  # pixels about the best place there that are searched at full size,
LOST = 0.15  # and by how much less likely than FOUND it may be at half size
UPRIGHT = 0.3  # degrees: less is not turned
LEANING = 3.0  # degrees either way that it may lean beside the phone's roll
HALF = 0.65  # least correlation of half of it, where the rest is out of the picture


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A frame in which a picture is sought, uint8[h, w], and the same at half its size."""

    grey: Grey
    half: Grey

    def like(self, sought: Grey, corner: Doubles, reach: float) -> tuple[float, Doubles]:
        """The best correlation of a picture whose top left corner lies within a reach (pixels) of a place,
        and that corner, float64[2]; -1 where it does not fit into the frame.

        A far reach is searched at half size, and at full size about the best place there.
        """
        if reach >= FAR and min(sought.shape) >= COARSEST:
            small = cv2.resize(sought, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            likeness, about = _best(self.half, np.asarray(small, np.uint8), corner / 2, reach / 2)
            if likeness < FOUND - LOST:
                return likeness, about * 2
            corner, reach = about * 2, NEAR
        return _best(self.grey, sought, corner, reach)


def _best(grey: Grey, sought: Grey, corner: Doubles, reach: float) -> tuple[float, Doubles]:
    low = np.clip(np.floor(corner - reach).astype(int), 0, None)
    high = np.minimum(np.ceil(corner + reach).astype(int) + sought.shape[::-1], grey.shape[::-1])
    window = grey[low[1] : max(high[1], 0), low[0] : max(high[0], 0)]
    if window.shape[0] < sought.shape[0] or window.shape[1] < sought.shape[1]:
        return -1.0, corner
    _, likeness, _, at = cv2.minMaxLoc(cv2.matchTemplate(window, sought, cv2.TM_CCOEFF_NORMED))
    return likeness, np.array(at) + low.astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A picture found again: where its middle is, how much larger and turned by how many degrees
    (counter-clockwise), how like it is, and whether all of it was seen."""

    at: Doubles
    scale: float
    lean: float
    likeness: float
    whole: bool = True

    def placed(self, box: Doubles) -> Doubles:
        """A box about the picture's middle, float64[4, 2], where the picture was found."""
        away = (box - box.mean(axis=0)) * self.scale
        return np.asarray(away @ _leaning(self.lean)[:, :2].T + self.at)


def _leaning(lean: float) -> Doubles:
    return np.asarray(cv2.getRotationMatrix2D((0, 0), lean, 1.0), np.float64)


def found_leaning(seen: Seen, picture: Grey, aim: Doubles, roll: float) -> Found | None:
    """A picture near a place, turned by the phone's roll; where it is not, leaning a little either way."""
    found = found_near(seen, picture, aim, REACH, lean=roll)
    if found is not None:
        return found
    leaning = [found_near(seen, picture, aim, REACH, lean=roll + lean) for lean in (-LEANING, LEANING)]
    return max((one for one in leaning if one), key=lambda one: one.likeness, default=None)


def half_found(seen: Seen, picture: Grey, aim: Doubles, roll: float) -> Found | None:
    """As much as half of a picture tells of where its middle is, where the other half is out of sight."""
    wide = picture.shape[1]
    best: Found | None = None
    for half, side in ((picture[:, : wide // 2], -1), (picture[:, -(wide // 2) :], 1)):
        off = _leaning(roll)[:, :2] @ np.array([side * (wide - wide // 2) / 2, 0.0])
        found = found_near(seen, half, aim + off, REACH, lean=roll)
        if found is None or found.likeness < HALF or (best is not None and found.likeness < best.likeness):
            continue
        best = Found(found.at - off * found.scale, found.scale, found.lean, found.likeness, whole=False)
    return best


def found_near(
    seen: Seen, picture: Grey, aim: Doubles, reach: float, size: float = 1.0, lean: float = 0.0
) -> Found | None:
    """Where the middle of a picture is found again near a place; None where nothing is like it.

    Once it is found for certain at one size, the others are tried close about that place.
    """
    best: Found | None = None
    for scale in SCALES * size:
        if best is not None and best.likeness >= SURELY:
            aim, reach = best.at, min(reach, CLOSE)
        sought = _turned(picture, scale, lean)
        half = (np.array(sought.shape[::-1]) - 1) / 2
        likeness, corner = seen.like(sought, aim - half, reach)
        if likeness >= FOUND and (best is None or likeness > best.likeness):
            best = Found(corner + half, float(scale), lean, likeness)
    return best


def _turned(picture: Grey, scale: float, lean: float) -> Grey:
    """A picture larger by a factor and turned about its middle."""
    sought = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if abs(lean) < UPRIGHT:
        return np.asarray(sought, np.uint8)
    middle = ((sought.shape[1] - 1) / 2, (sought.shape[0] - 1) / 2)
    matrix, size = cv2.getRotationMatrix2D(middle, lean, 1.0), (sought.shape[1], sought.shape[0])
    return np.asarray(cv2.warpAffine(sought, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
