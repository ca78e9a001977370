"""Do two photographs show one place? Local features, geometry, and how widely the agreement is spread.

Matches are checked against a homography (planes, distant scenes, a turned camera) and a fundamental matrix
(a moved camera), both by MAGSAC. Inliers are not counted one by one but by the squares of 32 pixels they
lie in: repeated texture, horizons and sky gradients give many inliers on few squares. The strength is
the larger of both counts in units of what unrelated photographs reach at most; 1 and more is a match.

Source: Barath et al., "MAGSAC++, a fast, reliable and accurate robust estimator" (CVPR 2020); the inlier
count as confidence as in arXiv 2504.06116. Figures: bench/place.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from verification.matching.registration import Eyes, Features, Floats, Look

SQUARE = 32  # pixels at a long side of 640
MIN_MATCHES = 12  # fewer mutual matches are not worth a RANSAC
PLANE_SQUARES = 12  # unrelated pairs: at most 7 of 23,322
EPIPOLAR_SQUARES = 26  # unrelated pairs: at most 19 of 23,322
_PLANE_PX = 3.0
_EPIPOLAR_PX = 1.5
_ROUNDS = 1000
SMALLER, TINY = 400, 256  # long sides at which a picture is looked at once more


@dataclass(frozen=True, slots=True)
class Recognition:
    """How far two photographs agree on one geometry.

    Attributes:
        matches: mutual nearest neighbours.
        inliers: of the fundamental matrix or the homography, whichever is stronger.
        plane / epipolar: squares of both pictures (the smaller number) with inliers of each model.
    """

    matches: int = 0
    inliers: int = 0
    plane: int = 0
    epipolar: int = 0

    @property
    def strength(self) -> float:
        """0 and more; from 1 on it is a match."""
        return max(self.plane / PLANE_SQUARES, self.epipolar / EPIPOLAR_SQUARES)


def recognise(a: Features, b: Features, eyes: Eyes) -> Recognition:
    """Compares the features of two pictures of a long side of 640 pixels (`registration.look`)."""
    pairs = eyes.match(a, b)
    if len(pairs) < MIN_MATCHES:
        return Recognition(len(pairs))
    here, there = a.xy[pairs[:, 0]], b.xy[pairs[:, 1]]
    _, flat = cv2.findHomography(here, there, cv2.USAC_MAGSAC, _PLANE_PX, None, _ROUNDS, 0.999)
    _, deep = cv2.findFundamentalMat(here, there, cv2.USAC_MAGSAC, _EPIPOLAR_PX, 0.999, _ROUNDS)
    plane, epipolar = _squares(flat, here, there), _squares(deep, here, there)
    chosen = flat if plane * EPIPOLAR_SQUARES >= epipolar * PLANE_SQUARES else deep
    inliers = 0 if chosen is None else int(np.count_nonzero(chosen))
    return Recognition(len(pairs), inliers, plane, epipolar)


def smaller(picture: Look, eyes: Eyes, side: int = SMALLER) -> Features:
    """Features of the picture at a long side of so many pixels, their places in its own pixels.

    Local features know little of scale: who stands nearer than the reference did shows things larger than it
    does, and blurred by the hand; smaller they are as large and as sharp.
    """
    height, width = picture.grey.shape
    zoom = side / max(height, width)
    if zoom >= 1:
        return picture.landmarks
    size = (max(32, round(width * zoom)), max(32, round(height * zoom)))
    grey = np.asarray(cv2.resize(picture.grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    seen = eyes.features(np.repeat(grey[..., None], 3, axis=2))
    grown = np.array([width / size[0], height / size[1]], np.float32)
    return Features((seen.xy * grown).astype(np.float32), seen.descriptors, width, height)


def _squares(mask: object, here: Floats, there: Floats) -> int:
    """In how many squares inliers lie, in the picture where they are fewer; 0 without a model."""
    if not isinstance(mask, np.ndarray):
        return 0
    kept = mask.ravel() > 0
    return min(len(np.unique((xy[kept] // SQUARE).astype(np.int64), axis=0)) for xy in (here, there))
