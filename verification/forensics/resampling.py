"""Interpolation: the picture was enlarged or turned after it was taken.

An interpolated pixel is a weighted mean of its neighbours, with weights that repeat along rows and
columns, so the strength of the second derivative repeats too. Its mean over each column (and row) is a
signal whose spectrum has a sharp line.
Left out: harmonics of JPEG's 8-pixel grid, slow change, and every second pixel (demosaicing).
Shrinking leaves no line; saving as JPEG weakens it.
Source: Gallagher 2005 (CRV), Mahdian & Saic 2008 (IEEE TIFS 3(3)).
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
_STRONGEST = 30.0  # grey levels: edges count no more than this


def line(luminance: Floats) -> float:
    """The strongest line in the spectrum over its surroundings: 2 to 4 in most pictures, more if enlarged."""
    return max(_along(luminance), _along(np.ascontiguousarray(luminance.T)))


def _along(plane: Floats) -> float:
    second = np.minimum(np.abs(plane[:, :-2] - 2 * plane[:, 1:-1] + plane[:, 2:]), _STRONGEST).mean(axis=0)
    steady = second - cv2.blur(second[None], (31, 1))[0]
    magnitude = np.abs(np.fft.rfft(steady * np.hanning(steady.size)))
    frequency = np.arange(magnitude.size) / steady.size
    grid = np.abs(frequency * 8 - np.round(frequency * 8)) / 8 < 3 / steady.size
    counted = (frequency > 0.08) & (frequency < 0.49) & ~grid
    around = cv2.blur(magnitude[None], (61, 1))[0] + 1e-6
    return float(np.where(counted, magnitude / around, 0).max())
