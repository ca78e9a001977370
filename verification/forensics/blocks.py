"""A JPEG's DCT coefficients, had back from its decoded luminance on the file's own 8 x 8 grid.

Decoding is a multiplication, an inverse DCT and a rounding to grey levels, so the forward DCT over the table
gives the stored integers back to within the rounding (ITU-T T.81, A.3.3); clipped blocks excepted.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from verification.picture import Grain

Coefficients: TypeAlias = npt.NDArray[np.int32]
_N = np.arange(8)
_DCT = (
    np.sqrt(np.where(_N == 0, 1, 2) / 8)[:, None] * np.cos((2 * _N + 1) * _N[:, None] * np.pi / 16)
).astype(np.float32)


def coefficients(grain: Grain) -> Coefficients:
    """int32[down, across, 8, 8] in units of the quantisation table, row = vertical frequency.

    Raises:
        ValueError: the picture is no JPEG.
    """
    if not grain.tables:
        raise ValueError("only a JPEG has quantisation tables")
    plane = grain.luminance - 128
    down, across = plane.shape[0] // 8, plane.shape[1] // 8
    squares = plane.reshape(down, 8, across, 8).transpose(0, 2, 1, 3)
    levels = _DCT @ squares @ _DCT.T / grain.tables[0].astype(np.float32)
    return np.asarray(np.rint(levels), np.int32)
