"""How sharp a frame is beside others of its burst."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt


def sharpness(rgb: npt.NDArray[np.uint8]) -> float:
    """Variance of the Laplacian of uint8[h, w, 3] (Pech-Pacheco et al., ICPR 2000): more is sharper."""
    return float(cv2.Laplacian(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())
