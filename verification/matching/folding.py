"""Is this the same picture through a tone curve that folds, as solarising, posters and toning have it?

Where bright becomes dark for a part of the range only, neither a hash of brightness nor local features know
a picture again. Its edges stay where they were: the hash of the edges finds it (`pdq.edges`), their
alignment registers it (ECC, Evangelidis & Psarakis 2008), and then each colour's curve is measured, no form
being assumed: the mean of the one picture where the other has a value (as in the correlation ratio, Roche
et al., MICCAI 1998). The earlier picture is sent through these curves, and then every textured block must
correlate as in `matching.registration`, whose proof this is.
Limits: the picture as a whole, cropped or turned by little; curves that mix colours.
"""

from __future__ import annotations

import cv2
import numpy as np

from verification.matching import pdq
from verification.matching.comparison import Comparison
from verification.matching.registration import (
    FINE,
    LONG_SIDE,
    Floats,
    Look,
    Matrix,
    Pixels,
    brought,
    correlated,
    placed,
)

NEAR = 76  # bits of 256 between hashes; folded copies come within 52 (n = 60), others not below 94
_FEW = 32  # pixels: a value that so many have gets a mean of its own


def compare_folded(picture: Look, earlier: Look) -> Comparison:
    """How `picture` lies in `earlier`, whatever became of its tones; no `inliers`."""
    size = picture.rgb.shape[:2]
    matrix = _aligned(picture.rgb, earlier.rgb)
    if matrix is None:
        return Comparison()
    warped, inside = brought(earlier.rgb, matrix, size)
    predicted = _through_curves(warped, picture.rgb, inside)
    blur = FINE * max(1.0, LONG_SIDE / min(picture.source, earlier.source))
    seen = correlated(picture.grey, predicted, inside, blur)
    found = Comparison(0, 0, seen.blocks, seen.share, seen.correlation, seen.beyond, folded=True)
    return placed(found, matrix, size, earlier.rgb.shape[:2])


def _aligned(here: Pixels, there: Pixels) -> Matrix | None:
    """here -> there, from the whole on the whole; None where the edges do not fit."""
    scale = np.array([there.shape[1] / here.shape[1], there.shape[0] / here.shape[0]])
    matrix: Matrix = np.diag([*scale, 1.0])
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-4)
    everywhere = np.ones(there.shape[:2], np.uint8)
    drawn, sought = pdq.edges(here), pdq.edges(there)
    try:
        for blur in (9, 3):  # pixels: the first bridges some, the second is exact
            start = matrix.astype(np.float32)
            _, found = cv2.findTransformECC(
                drawn, sought, start, cv2.MOTION_HOMOGRAPHY, criteria, everywhere, blur
            )
            matrix = np.asarray(found, dtype=np.float64)
    except cv2.error:  # "the algorithm stopped before its convergence": the images are too unlike
        return None
    return matrix


def _through_curves(before: Pixels, after: Pixels, inside: Pixels) -> Pixels:
    """The brightness of `before`, each colour through the curve that leads to `after`: uint8[h, w]."""
    covered = inside > 0
    curved = [_curve(before[..., c][covered], after[..., c][covered])[before[..., c]] for c in range(3)]
    made: Floats = np.stack(curved, axis=2) @ pdq.LUMA
    return np.rint(made).astype(np.uint8)


def _curve(values: Pixels, becomes: Pixels) -> Floats:
    """float32[256]: what a value becomes in the mean; rare ones by their neighbours."""
    count = np.bincount(values, minlength=256)
    total = np.bincount(values, becomes, minlength=256)
    known = np.flatnonzero(count >= _FEW)
    if not len(known):
        return np.arange(256, dtype=np.float32)
    return np.interp(np.arange(256), known, total[known] / count[known]).astype(np.float32)
