"""Maps with fewer numbers than a homography, for where matches are few: what copies are."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

LEAST = 8  # matches that must agree on a similarity


def affine(here: Floats, there: Floats) -> Matrix | None:
    """The affine map float64[3, 3] of most pairs float32[n, 2]: what most copies are. None: there is none."""
    found, _ = cv2.estimateAffine2D(here, there, None, cv2.RANSAC, 3.0)
    return None if found is None else np.vstack([found, [0.0, 0.0, 1.0]]).astype(np.float64)


def similar(here: Floats, there: Floats) -> Matrix | None:
    """The same of the similarities: what a crop is, with four numbers to find. None under LEAST pairs."""
    found, mask = cv2.estimateAffinePartial2D(here, there, None, cv2.RANSAC, 3.0)
    if found is None or int(mask.sum()) < LEAST:
        return None
    return np.vstack([found, [0.0, 0.0, 1.0]]).astype(np.float64)
