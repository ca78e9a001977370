"""Where the photo lies in its burst: the frame it is nearest to, and the map from one to the other.

The frames most like the photo (by a thumbnail's correlation) are registered with it by ORB features
(Rublee et al. 2011) and a robust homography. Found once a case, for the checks that ask whether the
photo belongs to the burst, and for those that look for its code in the frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from verification.measures.flow import homography, mapped
from verification.measures.once import once

if TYPE_CHECKING:
    from verification.case import Case, Doubles
    from verification.measures.flow import Tracks

Pixels = npt.NDArray[np.uint8]

SIDE = 640
TRIED = 2  # frames
SEEN = 25  # inliers of one plane, and
SHARE = 0.3  # of the matches, from which the two are of one view


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """How the photo lies in its burst.

    Attributes:
        frame: index of the frame.
        matrix: float64[3, 3], pixels of the photo to pixels of the frame; None where no map was found.
        inliers / share: points of one plane, and their share of the matches.
        features: the smaller count of features on the two sides.
        likeness: correlation of the thumbnails, -1..1.
    """

    frame: int
    matrix: Doubles | None
    inliers: int
    share: float
    features: int
    likeness: float

    @property
    def found(self) -> bool:
        """The two show one view."""
        return self.matrix is not None and self.inliers >= SEEN and self.share >= SHARE


def placed_in_burst(case: Case) -> Placed | None:
    """The photo's place among the frames; None without a photo or frames."""
    if case.placed is None and case.picture is not None and case.frames:
        case.placed = place(case.picture.rgb, [frame.rgb for frame in case.frames])
    return case.placed


def code_in_frame(case: Case, tracks: Tracks) -> tuple[int, Doubles] | None:
    """The frame the photo is nearest to, and where the photo's code stands in it: float64[4, 2] pixels of
    `tracks.greys`. None where no code was seen or the photo is not in the burst."""
    if case.code_box is None:
        return None
    where = placed_in_burst(case)
    if where is None or not where.found or where.matrix is None:
        return None
    return where.frame, mapped(where.matrix, case.code_box) * tracks.scale


def photo_in_frame(case: Case) -> float | None:
    """How much of its frame the photo shows, by area, 0..1. None where the photo is not in the burst, or does
    not lie in its frame as a picture does."""
    where = placed_in_burst(case)
    if where is None or not where.found or where.matrix is None or case.picture is None:
        return None
    height, width = case.picture.rgb.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    if (np.column_stack([corners, np.ones(4)]) @ where.matrix[2] <= 0).any():
        return None
    seen = mapped(where.matrix, corners).astype(np.float32)
    rows, columns = case.frames[where.frame].rgb.shape[:2]
    frame = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32)
    if not cv2.isContourConvex(seen):
        return None
    return float(float(cv2.intersectConvexConvex(seen, frame)[0]) / (rows * columns))


def grown(box: Doubles, across: float, down: float) -> Doubles:
    """A box of writing float64[4, 2] grown about its middle along and across the line."""
    middle = box.mean(axis=0)
    right, below = (box[1] + box[2] - box[0] - box[3]) / 4, (box[2] + box[3] - box[0] - box[1]) / 4
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    return np.asarray(middle + signs[:, :1] * across * right + signs[:, 1:] * down * below)


def inside(box: Doubles, xy: Doubles) -> npt.NDArray[np.bool_]:
    """Which pixels float64[k, 2] lie in a convex box float64[4, 2] (either way round)."""
    (x, y), edges = xy.T, np.roll(box, -1, axis=0) - box
    sides = [
        across * (y - top) - down * (x - left)
        for (left, top), (across, down) in zip(box.tolist(), edges.tolist(), strict=True)
    ]
    return np.asarray((np.minimum.reduce(sides) >= 0) | (np.maximum.reduce(sides) <= 0))


def place(photo: Pixels, frames: list[Pixels]) -> Placed:
    """The photo's place among one or more frames."""
    tried: list[Placed] = []
    for k, likeness in _nearest(photo, frames):
        matrix, inliers, share, count = _orb(photo, frames[k])
        zoom, frame_zoom = (_zoom(rgb) for rgb in (photo, frames[k]))
        if matrix is not None:
            matrix = np.diag([1 / frame_zoom, 1 / frame_zoom, 1]) @ matrix @ np.diag([zoom, zoom, 1])
        tried.append(Placed(k, matrix, inliers, share, count, likeness))
        if tried[-1].found:
            break
    return max(tried, key=lambda one: one.inliers)


def small(rgb: Pixels) -> tuple[Pixels, float]:
    """The picture at a long side of at most SIDE, and its pixels a pixel of the original."""
    scale = _zoom(rgb)
    size = (max(32, round(rgb.shape[1] * scale)), max(32, round(rgb.shape[0] * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _zoom(rgb: Pixels) -> float:
    return min(1.0, SIDE / int(max(rgb.shape[:2])))


def alike(photo: Pixels, frames: list[Pixels]) -> list[int]:
    """All frames, those first whose thumbnails are most like the photo's."""
    return [k for k, _ in _nearest(photo, frames, len(frames))]


def _nearest(photo: Pixels, frames: list[Pixels], count: int = TRIED) -> list[tuple[int, float]]:
    """The frames most like the photo, and how like their thumbnails are."""
    wanted = _thumbnail(photo)
    likeness = [float((wanted * _thumbnail(rgb)).sum()) for rgb in frames]
    order = np.argsort(likeness)[::-1][:count]
    return [(int(k), likeness[int(k)]) for k in order]


@once
def _thumbnail(rgb: Pixels) -> Doubles:
    tiny = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (32, 24), interpolation=cv2.INTER_AREA)
    values = tiny.astype(np.float64) - tiny.mean()
    return np.asarray(values / max(float(np.linalg.norm(values)), 1e-6))


def _orb(photo: Pixels, frame: Pixels) -> tuple[Doubles | None, int, float, int]:
    """The map between the small pictures, its inliers, their share of the matches, and the smaller count of
    features."""
    (here, codes), (there, others) = _features(photo), _features(frame)
    count = min(len(here), len(there))
    if codes is None or others is None or count < 8:
        return None, 0, 0.0, count
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(codes, others)
    pairs = [pair for pair in pairs if pair.distance < 64]
    matrix, together = homography(
        here[[pair.queryIdx for pair in pairs]], there[[pair.trainIdx for pair in pairs]], 3.0
    )
    return matrix, int(together.sum()), float(together.mean()) if pairs else 0.0, count


@once
def _features(rgb: Pixels) -> tuple[Doubles, Pixels | None]:
    """ORB features of the small picture: float64[k, 2] pixels of it, and their codes uint8[k, 32]."""
    grey = cv2.cvtColor(small(rgb)[0], cv2.COLOR_RGB2GRAY)
    found, codes = cv2.ORB.create(900, fastThreshold=8).detectAndCompute(grey, None)
    xy = np.array([point.pt for point in found], np.float64).reshape(-1, 2)
    return xy, None if codes is None else np.asarray(codes, np.uint8)
