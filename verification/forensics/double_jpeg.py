"""Double compression: a JPEG that was a JPEG before, as a whole or in part.

Quantising twice with different steps leaves periodic gaps and peaks in the histogram of each DCT
frequency. The histogram is compared in logarithms with its own running mean (five bins), which a single
compression's Laplacian follows exactly. `strength` is the variance of that beyond counting noise.

Where a piece was pasted into an opened JPEG and the whole saved again, the piece was compressed once on this
grid: its coefficients do not prefer the peaks. `spread` adds each block's log-ratios of peak and gap up,
averages them over neighbours, and says how much they differ over the picture.

Both need the second table to be finer than the first; scaling, cropping off the grid, or a coarse last save
wipe the trace out.
Source: Popescu & Farid 2004 (IH); Lin, He, Tang & Tang 2009 (Pattern Recognition 42) for the map.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from verification.forensics.blocks import Coefficients

Doubles: TypeAlias = npt.NDArray[np.float64]

_FREQUENCIES = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (0, 3), (3, 0))
_LARGEST = 48
_WINDOW = 5  # bins of the running mean
_LEVELS = np.abs(np.arange(-_LARGEST, _LARGEST + 1))
_INNER = (_LEVELS > _WINDOW // 2) & (_LEVELS <= _LARGEST - _WINDOW)  # no zero and no end inside the window
_FILLED = 8.0  # expected blocks a bin from which it counts
_AREA = 9  # blocks: side of the neighbourhood that is averaged
_TOLD = 0.6  # counted coefficients a block from which a neighbourhood speaks
_AREAS = 200  # blocks that must speak


def strength(coefficients: Coefficients) -> float | None:
    """How periodic the histograms are: about 0.01 for one compression, above 0.3 for most double ones.

    The mean over the five most periodic of nine low frequencies; None with too little detail to tell.
    """
    found = []
    for down, across in _FREQUENCIES:
        ratio, counted, expected = _ratios(coefficients[..., down, across])
        if counted.sum() >= 6:
            noise = (1 - 1 / _WINDOW) * float((1 / expected[counted]).mean())
            found.append(float((ratio[counted] ** 2).mean()) - noise)
    return float(np.mean(sorted(found)[-5:])) if len(found) >= 3 else None


def spread(coefficients: Coefficients) -> float | None:
    """How unlike in this the picture's parts are, in nats a coefficient: about 0.05 for one compression.

    The 90th less the 5th percentile over neighbourhoods; None with too little detail to tell.
    """
    told = np.zeros(coefficients.shape[:2])
    count = np.zeros(coefficients.shape[:2])
    for down, across in _FREQUENCIES:
        plane = coefficients[..., down, across]
        ratio, counted, _ = _ratios(plane)
        place = np.clip(plane, -_LARGEST, _LARGEST) + _LARGEST
        told += ratio[place]
        count += counted[place]
    sums, counts = cv2.blur(told, (_AREA, _AREA)), cv2.blur(count, (_AREA, _AREA))
    speaks = counts > _TOLD
    if speaks.sum() < _AREAS:
        return None
    low, high = np.percentile(sums[speaks] / counts[speaks], [5, 90])
    return float(high - low)


def _ratios(plane: npt.NDArray[np.int32]) -> tuple[Doubles, npt.NDArray[np.bool_], Doubles]:
    """By bin -48..48: log of histogram over running (geometric) mean; whether it counts; that mean."""
    clipped = np.clip(plane.ravel(), -_LARGEST, _LARGEST) + _LARGEST
    logs = np.log(np.bincount(clipped, minlength=2 * _LARGEST + 1) + 1.0)
    smooth = np.convolve(logs, np.ones(_WINDOW) / _WINDOW, "same")
    expected = np.exp(smooth)
    counted = _INNER & (expected > _FILLED)
    return np.where(counted, logs - smooth, 0.0), counted, expected
