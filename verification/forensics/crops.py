"""The parts of a picture at native resolution that the forensic nets look at.

A picture's grain (`picture.Grain`) is too large to be seen whole in the time there is, and made smaller it
has lost what is looked for; so a few squares evenly over it are. What a net says of the picture is the mean
over its squares.
"""

from __future__ import annotations

import numpy as np

from verification.picture import Pixels

SIDE = 256  # pixels, a multiple of 8: the squares begin on the JPEG's own grid
GRID = (3, 2)  # squares across and down


def crops(ycbcr: Pixels) -> Pixels:
    """uint8[6, 256, 256, 3] of uint8[h, w, 3]; what is smaller is mirrored at its right and lower edge."""
    height, width = ycbcr.shape[:2]
    short = [(0, max(0, SIDE - height)), (0, max(0, SIDE - width)), (0, 0)]
    whole = np.pad(ycbcr, short, mode="symmetric") if any(map(any, short)) else ycbcr
    rows, columns = (_starts(side, count) for side, count in zip(whole.shape[:2], GRID[::-1], strict=True))
    return np.stack([whole[y : y + SIDE, x : x + SIDE] for y in rows for x in columns])


def _starts(side: int, count: int) -> list[int]:
    """Where so many squares begin, evenly over a side, each in the middle of its part."""
    room = side - SIDE
    return [round(room * (2 * k + 1) / (2 * count) / 8) * 8 for k in range(count)]
