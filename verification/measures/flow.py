"""Points followed through a burst, and how the camera turned from frame to frame.

Corners (Shi & Tomasi 1994) are followed by pyramidal Lucas-Kanade (Bouguet 2000), kept only where
following them back ends where it began (Kalal, Mikolajczyk & Matas 2010), and topped up when too few
are left. Between two frames a robust homography (MAGSAC++, Barath et al. 2020) finds the points that
move together, and the rotation that best carries their rays over (Wahba 1965, by SVD) is the turn.

Frames are worked on at a long side of 480 pixels. The focal length is unknown: turns are computed for
FOCAL of the long side; who compares them with a gyroscope fits the factor (see `measures.turning`).
All checks of a burst share one `Tracks`, made when first asked for and kept on the case.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from verification.case import Case, Frame

Grey = npt.NDArray[np.uint8]
Doubles = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LONG_SIDE = 480
FOCAL = 0.8  # of the long side: a phone's main camera has about 0.75, its video crop up to 0.9
CORNERS = 320
FEW = 180  # fewer live points than this are topped up
MOST = 0.6  # where fewer are followed, the picture may have leapt
BACK_PX = 0.7  # how far from its start a point may land when followed there and back
EXACT_PX = 0.3  # the same when sought straight from one far frame to another,
CREPT_PX = 4.0  # and how far that may be from where it was followed to,
CORNERED = 0.12  # least share of the lesser in the greater eigenvalue of a point's gradients
UNLIKE = 14.0  # and how unlike its surroundings may be, grey levels
INLIER_PX = 1.5
LEAST = 16  # fewer common points say nothing of a turn, nor does
LASTING = 0.3  # a smaller share of the points followed that is also
AGREED = 0.6  # a smaller share of those that arrive
PEAK = 0.35  # least share of the energy in the peak of a phase correlation
CONTRAST = 2.0  # least standard deviation, grey levels, of what is correlated
_WHOLE = 120  # long side it is done at
_WINDOW, _LEVELS = (17, 17), 4
_UNTIL = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 0.02)


@dataclass(frozen=True)
class Tracks:
    """Points followed through the frames of a burst.

    Attributes:
        t: float64[n] seconds, one a frame.
        greys: n pictures uint8[h, w], long side at most 480, brought to one mean brightness.
        xy: float64[n, m, 2] pixels of `greys`; NaN where a point is not followed.
        scale: pixels of `greys` a pixel of the frames.
    """

    t: Doubles
    greys: tuple[Grey, ...]
    xy: Doubles
    scale: float

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the working pictures."""
        return self.greys[0].shape[1], self.greys[0].shape[0]

    @cached_property
    def halves(self) -> tuple[Grey, ...]:
        """The working pictures at half their size."""
        return tuple(
            np.asarray(cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
            for grey in self.greys
        )

    def common(self, i: int, j: int) -> tuple[Doubles, Doubles, npt.NDArray[np.int64]]:
        """Points followed in both frames: float64[k, 2] in i, in j, and which they are, int64[k]."""
        both = np.isfinite(self.xy[i, :, 0]) & np.isfinite(self.xy[j, :, 0])
        return self.xy[i, both], self.xy[j, both], np.nonzero(both)[0]

    def exact(self, i: int, j: int) -> tuple[Doubles, Doubles, npt.NDArray[np.int64]]:
        """As `common`, for frames far apart: each point is sought once more, straight from i to j, so that
        what crept from frame to frame is mended; what cannot be found that way there and back is dropped."""
        here, there, which = self.common(i, j)
        if not len(here):
            return here, there, which
        start, guess = here.astype(np.float32), there.astype(np.float32)
        found, seen, unlike = _followed(self.greys[i], self.greys[j], start, guess)
        back, again, _ = _followed(self.greys[j], self.greys[i], found, start)
        kept = seen & again & (unlike < UNLIKE) & (np.abs(back - start).max(axis=1) < EXACT_PX)
        kept &= (np.abs(found - guess).max(axis=1) < CREPT_PX) & _cornered(self.greys[i], start)
        return here[kept], found[kept].astype(np.float64), which[kept]

    @cached_property
    def moving(self) -> tuple[tuple[Doubles, Doubles] | None, ...]:
        """Points that move together from each frame to the next, float64[m, 2] in both; None where too few
        do."""
        return tuple(self._moving(k) for k in range(len(self.t) - 1))

    @cached_property
    def turns(self) -> Doubles:
        """float64[n - 1, 3]: the camera's rotation vector from each frame to the next, radians, in camera
        axes (x right, y down, z forward) for a focal length of FOCAL; NaN where it cannot be told."""
        return np.array([self._turn(k) for k in range(len(self.t) - 1)]).reshape(-1, 3)

    @cached_property
    def near_turns(self) -> Doubles:
        """The same, float64[n - 1, 3], as seen before a near plane that faces the camera, where a shift of
        the hand looks like a turn: turns about x and y are taken from the bending of the flow alone
        (Longuet-Higgins & Prazdny 1980), which a shift does not cause. Noisier; for small turns only."""
        return np.array([self._near_turn(k) for k in range(len(self.t) - 1)]).reshape(-1, 3)

    def _turn(self, k: int) -> Doubles:
        pair = self.moving[k]
        if pair is None:
            return self._whole_turn(k)
        return rotation_vector(rotation(self.rays(pair[1]), self.rays(pair[0])))

    def _whole_turn(self, k: int) -> Doubles:
        """The turn about x and y by the shift of the whole picture, where a quick swing or a plain scene
        leaves no points to follow (phase correlation, Kuglin & Hines 1975). Beside followed points it is
        off by .004 rad in the median of 149 simulated pairs; where its peak is low it says nothing."""
        one, two = (_fine(grey) for grey in self.greys[k : k + 2])
        if min(one.std(), two.std()) < CONTRAST:  # the sensor's own pattern, and a lens's shading, stay put
            return np.full(3, np.nan)
        window = cv2.createHanningWindow((one.shape[1], one.shape[0]), cv2.CV_32F)
        (right, down), peak = cv2.phaseCorrelate(one, two, window)
        if not peak >= PEAK:
            return np.full(3, np.nan)
        return np.array([down, -right, 0.0]) / (FOCAL * _WHOLE)

    def _near_turn(self, k: int) -> Doubles:
        pair = self.moving[k]
        if pair is None:
            return np.full(3, np.nan)
        here, there = (rays / rays[:, 2:] for rays in map(self.rays, pair))
        x, y = ((here + there) / 2)[:, :2].T
        one, none = np.ones_like(x), np.zeros_like(x)
        across = np.column_stack([one, x, y, none, none, none, x * x, x * y])
        down = np.column_stack([none, none, none, one, x, y, x * y, y * y])
        flow = (there - here)[:, :2]
        fit = np.linalg.lstsq(np.vstack([across, down]), flow.T.ravel(), rcond=None)[0]
        return np.array([fit[7], -fit[6], (fit[2] - fit[4]) / 2])

    def _moving(self, k: int) -> tuple[Doubles, Doubles] | None:
        here, there, _ = self.common(k, k + 1)
        plane, together = homography(here, there)
        if plane is None or together.sum() < LEAST:
            return None
        live = np.isfinite(self.xy[k, :, 0]).sum()
        if together.sum() < min(LASTING * live, AGREED * len(here)):  # corners of mere noise
            return None
        return here[together], there[together]

    def rays(self, xy: Doubles, focal: float = FOCAL) -> Doubles:
        """Unit vectors float64[k, 3] in camera axes of pixels float64[k, 2]."""
        width, height = self.size
        return rays(xy, width, height, focal)


def _fine(grey: Grey) -> npt.NDArray[np.float32]:
    """A small picture without what changes slowly across it."""
    scale = _WHOLE / max(grey.shape)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(small - cv2.GaussianBlur(small, (0, 0), _WHOLE / 10), np.float32)


def rays(xy: Doubles, width: int, height: int, focal: float = FOCAL) -> Doubles:
    """Unit vectors float64[k, 3] in camera axes of pixels; `focal` in long sides."""
    flat = (xy - np.array([(width - 1) / 2, (height - 1) / 2])) / (focal * max(width, height))
    full = np.column_stack([flat, np.ones(len(flat))])
    return np.asarray(full / np.linalg.norm(full, axis=1, keepdims=True))


def homography(here: Doubles, there: Doubles, inlier_px: float = INLIER_PX) -> tuple[Doubles | None, Mask]:
    """The plane's map here -> there, float64[3, 3], and which points follow it; None when there is none."""
    if len(here) < 8:
        return None, np.zeros(len(here), bool)
    matrix, mask = cv2.findHomography(here, there, cv2.USAC_MAGSAC, inlier_px, None, 500, 0.995)
    if matrix is None or not np.isfinite(matrix).all():
        return None, np.zeros(len(here), bool)
    return np.asarray(matrix, np.float64), mask.ravel().astype(bool)


def rotation(source: Doubles, target: Doubles) -> Doubles:
    """The rotation float64[3, 3] that best carries unit vectors `source` onto `target` (Wahba, by SVD)."""
    u, _, vt = np.linalg.svd(target.T @ source)
    upright = np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ vt)))])
    return np.asarray(u @ upright @ vt)


def rotation_vector(matrix: Doubles) -> Doubles:
    """Axis times angle of a rotation matrix, float64[3]."""
    return np.asarray(cv2.Rodrigues(matrix)[0], np.float64).ravel()


def mapped(matrix: Doubles, xy: Doubles) -> Doubles:
    """Pixels float64[k, 2] carried by a homography."""
    full = np.column_stack([xy, np.ones(len(xy))]) @ matrix.T
    return np.asarray(full[:, :2] / np.where(np.abs(full[:, 2:]) < 1e-9, 1e-9, full[:, 2:]))


def tracks_of(case: Case) -> Tracks | None:
    """The case's tracks, followed at the first call; None without at least two frames."""
    if case.tracks is None and len(case.frames) >= 2:
        case.tracks = follow(case.frames)
    return case.tracks


def follow(frames: Sequence[Frame]) -> Tracks:
    """Follows points through two or more frames of one size."""
    scale = min(1.0, LONG_SIDE / max(frames[0].rgb.shape[:2]))
    greys = tuple(_grey(frame.rgb, scale) for frame in frames)
    live = np.empty((0, 2), np.float32)
    names, known = np.empty(0, np.int64), 0
    seen = []  # of each frame, which points are followed and where they are
    for k, grey in enumerate(greys):
        if k:
            live, kept = _step(greys[k - 1], grey, live)
            names = names[kept]
        if len(live) < FEW and k < len(greys) - 1:
            fresh = _corners(grey, live)
            names = np.concatenate([names, np.arange(known, known + len(fresh))])
            live, known = np.concatenate([live, fresh]), known + len(fresh)
        seen.append((names, live))
    xy = np.full((len(greys), known, 2), np.nan)
    for k, (names, live) in enumerate(seen):
        xy[k, names] = live
    return Tracks(np.array([frame.t for frame in frames]), greys, xy, scale)


def _grey(rgb: npt.NDArray[np.uint8], scale: float) -> Grey:
    """Small, grey, and of one mean brightness: a torch or an exposure must not look like motion."""
    size = (max(16, round(rgb.shape[1] * scale)), max(16, round(rgb.shape[0] * scale)))
    grey = cv2.cvtColor(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.convertScaleAbs(grey, alpha=110 / max(8.0, float(grey.mean()))), np.uint8)


def _cornered(grey: Grey, xy: npt.NDArray[np.float32]) -> Mask:
    """Points that cannot slide along an edge: the lesser eigenvalue of the gradients is not small."""
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    x, y = np.round(xy).astype(int).T
    at = (y.clip(0, grey.shape[0] - 1), x.clip(0, grey.shape[1] - 1))
    xx, mixed, yy = (
        cv2.boxFilter(product, -1, (9, 9))[at].astype(np.float64)
        for product in (across * across, across * down, down * down)
    )
    half, root = (xx + yy) / 2, np.hypot((xx - yy) / 2, mixed)
    return np.asarray(half - root > CORNERED * (half + root))


def _corners(grey: Grey, live: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """New corners away from the points already followed, float32[k, 2]."""
    free = np.full(grey.shape, 255, np.uint8)
    for x, y in live:
        cv2.circle(free, (round(float(x)), round(float(y))), 7, 0, -1)
    found = cv2.goodFeaturesToTrack(grey, CORNERS - len(live), 0.008, 7, mask=free, blockSize=5)
    return np.empty((0, 2), np.float32) if found is None else found.reshape(-1, 2).astype(np.float32)


def _step(before: Grey, after: Grey, xy: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], Mask]:
    """Where points went, and which are to be believed; where most are lost, once more from a guess of how
    far the whole picture went."""
    if not len(xy):
        return xy, np.zeros(0, bool)
    there, kept = there_and_back(before, after, xy, np.zeros(2, np.float32))
    if kept.mean() < MOST:
        leap, found = there_and_back(before, after, xy, _leap(before, after))
        if found.sum() > kept.sum():
            there, kept = leap, found
    return there[kept], kept


def there_and_back(
    before: Grey,
    after: Grey,
    xy: npt.NDArray[np.float32],
    leap: npt.NDArray[np.float32],
    levels: int = _LEVELS,
) -> tuple[npt.NDArray[np.float32], Mask]:
    """Where points (float32[n, 2], pixels) went, sought where they would be had all gone as far as `leap`
    (float32[2]), and which of them are to be believed. Of so many `levels` each halves the picture: with few
    the leap must be right within some pixels, with many what is small is taken for what is behind it."""
    there, found, _ = _followed(before, after, xy, xy + leap, levels)
    back, again, _ = _followed(after, before, there, there - leap, levels)
    close = np.abs(back - xy).max(axis=1) < BACK_PX
    inside = ((there > 1) & (there < np.array(after.shape[::-1]) - 2)).all(axis=1)
    return there, found & again & close & inside


def _leap(before: Grey, after: Grey) -> npt.NDArray[np.float32]:
    """How far the whole picture went, float32[2] pixels, by phase correlation (Kuglin & Hines 1975)."""
    a, b = (cv2.resize(grey, None, fx=0.5, fy=0.5).astype(np.float32) for grey in (before, after))
    window = cv2.createHanningWindow((a.shape[1], a.shape[0]), cv2.CV_32F)
    shift, _ = cv2.phaseCorrelate(a, b, window)
    return np.array(shift, np.float32) * 2


def _followed(
    before: Grey,
    after: Grey,
    xy: npt.NDArray[np.float32],
    guess: npt.NDArray[np.float32],
    levels: int = 0,
) -> tuple[npt.NDArray[np.float32], Mask, npt.NDArray[np.float32]]:
    """Where the pyramid's flow takes points from a guess, which it found, and how unlike their
    surroundings then are (mean grey levels)."""
    there, found, unlike = cv2.calcOpticalFlowPyrLK(
        before,
        after,
        xy,
        guess.copy(),
        winSize=_WINDOW,
        maxLevel=levels,
        criteria=_UNTIL,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return (
        np.asarray(there, np.float32),
        np.asarray(found).ravel() == 1,
        np.asarray(unlike, np.float32).ravel(),
    )
