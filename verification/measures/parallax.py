"""Three models of how a burst's points moved: the camera only turned; it saw one plane; it saw depth.

A turn alone moves points by a rotation (and the focal length). A plane seen from a shifted camera
moves by a homography that is no rotation: it tells |shift| / distance without any scale. What moves off
that homography, yet along epipolar lines, lies off the plane (Hartley & Zisserman 2004, chapter 13).
So flatness can be told from mere distance: a far scene shows no shift at all, a flat near one shows the
plane's shift and nothing else. `relief` is what lies off the plane as a share of the plane's shift: two
planes d apart at distance z give d / z.

Measured on points at a long side of 480 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from verification.measures.flow import FOCAL, Doubles, Mask, Tracks, homography, mapped, rays, rotation

OFF_PX = 1.2  # off the plane by more than this
EPIPOLAR_PX = 0.7
COMMON = 40  # points that both frames of a pair must share
FOCALS = (0.62, 0.7, FOCAL, 0.92, 1.08, 1.26)  # of the long side
BASE_PX = 0.3  # a plane's shift smaller than this is none


@dataclass(frozen=True, slots=True)
class Parallax:
    """What two frames show.

    Attributes:
        points: points followed in both.
        off: share 0..1 of them off the best plane by OFF_PX and on their epipolar line.
        shift_px: median distance between the plane's map and the best rotation: what of the plane's own
            parallax no turn explains.
        travel_px: the plane's own parallax: |shift| / distance of the plane in pixels of a turn.
        spread_px: 90th percentile of the distance off the plane, of points that are.
        planar: share 0..1 of points on the plane.
    """

    points: int
    off: float
    shift_px: float
    travel_px: float
    spread_px: float
    planar: float

    @property
    def relief(self) -> float:
        """Depth off the plane as a share of the plane's distance, at most 9."""
        return min(9.0, self.spread_px / max(self.travel_px, BASE_PX))


def widest(tracks: Tracks, keep: Mask | None = None) -> list[Parallax]:
    """The pairs of far-apart frames, the most off the plane first; `keep` bool[m] chooses points."""
    n = len(tracks.t)
    wanted = {
        (0, n - 1),
        (0, n // 2),
        (n // 2, n - 1),
        (n // 4, 3 * n // 4),
        (0, n // 4),
        (3 * n // 4, n - 1),
    }
    found = []
    for i, j in sorted(wanted):
        if j <= i:
            continue
        here, there, which = tracks.exact(i, j)
        if keep is not None:
            here, there = here[keep[which]], there[keep[which]]
        if len(here) >= COMMON:
            seen = measure(here, there, tracks.size)
            if seen is not None:
                found.append(seen)
    return sorted(found, key=lambda one: -one.off)


def measure(here: Doubles, there: Doubles, size: tuple[int, int]) -> Parallax | None:
    """The three models on points float64[k, 2] of two frames of `size` (width, height)."""
    plane, on = homography(here, there, 1.0)
    if plane is None or on.sum() < 20:
        return None
    apart = np.linalg.norm(mapped(plane, here) - there, axis=1)
    deep = _epipolar(here, there) & (apart > OFF_PX)
    spread = float(np.quantile(apart[deep], 0.9)) if deep.any() else 0.0
    shift = min(_rotated(here[on], there[on], size, focal) for focal in FOCALS)
    travel = min(_travel(plane, size, focal) for focal in FOCALS)
    return Parallax(len(here), float(deep.mean()), shift, travel, spread, float((apart < OFF_PX).mean()))


def _epipolar(here: Doubles, there: Doubles) -> Mask:
    """Points that fit one epipolar geometry."""
    matrix, mask = cv2.findFundamentalMat(here, there, cv2.USAC_MAGSAC, EPIPOLAR_PX, 0.995, 1000)
    if matrix is None or mask is None:
        return np.zeros(len(here), bool)
    return np.asarray(mask.ravel().astype(bool))


def _rotated(here: Doubles, there: Doubles, size: tuple[int, int], focal: float) -> float:
    """Median pixels that the best rotation leaves unexplained."""
    a, b = rays(here, *size, focal), rays(there, *size, focal)
    turned = a @ rotation(a, b).T
    flat: npt.NDArray[np.float64] = turned[:, :2] / np.maximum(turned[:, 2:], 0.05) - b[:, :2] / b[:, 2:]
    return float(np.median(np.linalg.norm(flat, axis=1))) * focal * max(size)


def _travel(plane: Doubles, size: tuple[int, int], focal: float) -> float:
    """|shift| / distance of the plane, in pixels: a homography's first less its third singular value, the
    second being 1 (Ma, Soatto, Kosecka & Sastry 2004, chapter 5)."""
    long = focal * max(size)
    camera = np.array([[long, 0, (size[0] - 1) / 2], [0, long, (size[1] - 1) / 2], [0, 0, 1]])
    first, second, third = np.linalg.svd(np.linalg.inv(camera) @ plane @ camera)[1]
    return float((first - third) / second) * long
