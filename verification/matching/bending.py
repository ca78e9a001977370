"""A copy that was bent: laid on its original by a smooth map that no camera's motion makes.

A swirl or a lens's distortion of a few pixels leaves no homography under which the pixels agree, and a copy
so bent looks like another view. A smooth map (polynomials of the fifth degree in x and y, fitted to the
matches, each round without those that are far off) lays it on its original all the same, and then the pixels
agree, which those of two views of a scene with depth do not.
Limits: two views of a scene whose depth is smooth (a cave's wall) agree, too: so it is no proof, but a case
for a person. A rough or local bend is not seen.
Source: smooth warps as generative models of the matches' motion: Lin et al., "Bilateral functions for global
motion modeling" (ECCV 2014), here with polynomials.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from verification.matching.comparison import COPY_SHARE, MIN_BLOCKS
from verification.matching.registration import FINE, LONG_SIDE, Eyes, Look, correlated

Doubles = npt.NDArray[np.float64]

DEGREE = 5
LEAST = 60  # matches that must agree on one map
AROUND = 12.0  # pixels about a homography within which matches are looked at
ROUNDS = (8.0, 5.0, 3.0, 2.0, 2.0)  # pixels about the smooth map, round by round


def bent(picture: Look, earlier: Look, eyes: Eyes) -> bool:
    """Whether a smooth map lays the one on the other pixel by pixel."""
    pairs = eyes.match(picture.features, earlier.features)
    if len(pairs) < LEAST:
        return False
    here = picture.features.xy[pairs[:, 0]].astype(np.float64)
    there = earlier.features.xy[pairs[:, 1]].astype(np.float64)
    shape = picture.rgb.shape[:2]
    bend = _fitted(_terms(here, shape), here, there)
    if bend is None:
        return False
    height, width = shape
    y, x = np.mgrid[0:height, 0:width]
    grid = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float64)
    to = (_terms(grid, shape) @ bend).reshape(height, width, 2).astype(np.float32)
    across, down = np.ascontiguousarray(to[..., 0]), np.ascontiguousarray(to[..., 1])
    warped = cv2.remap(earlier.grey, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    most = np.array([earlier.grey.shape[1] - 1, earlier.grey.shape[0] - 1], np.float32)
    inside = np.asarray(((to >= 0) & (to <= most)).all(axis=2), np.uint8)
    blur = FINE * max(1.0, LONG_SIDE / min(picture.source, earlier.source))
    seen = correlated(picture.grey, np.asarray(warped, np.uint8), inside, blur)
    return seen.blocks >= MIN_BLOCKS and seen.share >= COPY_SHARE


def _terms(xy: Doubles, shape: tuple[int, ...]) -> Doubles:
    """The products of powers of x and y, each in -1..1 over the picture, float64[n, 21]."""
    x, y = (xy[:, 0] / shape[1] - 0.5) * 2, (xy[:, 1] / shape[0] - 0.5) * 2
    powers = [(i, j) for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)]
    return np.stack([x**i * y**j for i, j in powers], axis=1)


def _fitted(terms: Doubles, here: Doubles, there: Doubles) -> Doubles | None:
    """The smooth map float64[21, 2] of most matches; None where too few agree."""
    homography, mask = cv2.findHomography(here, there, cv2.USAC_MAGSAC, AROUND, None, 4000, 0.999)
    if homography is None:
        return None
    agree = mask.ravel() > 0
    for off in ROUNDS:
        if agree.sum() < LEAST:
            return None
        bend = np.asarray(np.linalg.lstsq(terms[agree], there[agree], rcond=None)[0], np.float64)
        agree = np.linalg.norm(terms @ bend - there, axis=1) < off
    return bend if agree.sum() >= LEAST else None
