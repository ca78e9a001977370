"""Does the grain of a burst stay with the sensor, or travel with the picture?

A sensor makes fresh noise in every frame, so in smooth places what is left after taking the picture
away agrees in no two frames. In a still that a program moves about (a "Ken Burns" clip), the grain is
part of the still: brought into register, it agrees. Measured in the smoothest quarter of the blocks, where
true texture has the least to say.

Figures (simulated, 40 photographs, 640 x 480, neighbours of a 1 s burst): `moved` of honest bursts .00 to
.67 (n = 32 with a smooth place), of moved stills .8 or more in 31 of 39, after JPEG of quality 85 in 3 of 39.

Limits: heavy video compression wipes grain out of both (then there is nothing to say); a cheat may add
fresh noise to each frame, and a filmed screen has the grain of the filming camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from verification.measures.flow import homography, mapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from verification.case import Doubles, Frame
    from verification.measures.flow import Tracks

Floats = npt.NDArray[np.float32]

BLOCK = 16
MOVED_PX = 1.5  # of a frame: less motion than this cannot part the two
SIDE = 720  # the middle of larger frames is enough
GRAIN = 0.35  # grey levels: where the residual is smaller than this, nothing is left of any grain
COARSE = 3.0  # grey levels: above, even the smoothest places are texture
_PAIRS = 3


@dataclass(frozen=True, slots=True)
class Grain:
    """What smooth places of neighbouring frames share.

    Attributes:
        moved: correlation of the residuals brought into register, -1..1.
        fixed: the same without, at the same place of the sensor.
        level: standard deviation of the residual in those places, grey levels.
        pairs: pairs of frames looked at.
    """

    moved: float
    fixed: float
    level: float
    pairs: int


def grain(frames: Sequence[Frame], tracks: Tracks) -> Grain | None:
    """Measured on the pairs of neighbours that moved by a few pixels; None where none did."""
    found = []
    for k, matrix in _pairs(tracks):
        seen = _compare(frames[k], frames[k + 1], matrix)
        if seen is not None:
            found.append(seen)
    if not found:
        return None
    moved, fixed, level = np.median(np.array(found), axis=0).tolist()
    return Grain(moved, fixed, level, len(found))


def _pairs(tracks: Tracks) -> list[tuple[int, Doubles]]:
    """Neighbours whose picture moved least, yet enough, and the map between them in pixels of the frames."""
    moved = []
    width, height = tracks.size
    grid = np.array([(x, y) for x in (0.2, 0.5, 0.8) for y in (0.2, 0.5, 0.8)]) * [width, height]
    zoom = np.diag([tracks.scale, tracks.scale, 1.0])
    for k in range(len(tracks.t) - 1):
        here, there, _ = tracks.common(k, k + 1)
        matrix, together = homography(here, there, 0.7)
        if matrix is None or together.sum() < 30:
            continue
        far = float(np.median(np.linalg.norm(mapped(matrix, grid) - grid, axis=1))) / tracks.scale
        if far >= MOVED_PX:
            moved.append((far, k, np.linalg.inv(zoom) @ matrix @ zoom))
    moved.sort(key=lambda one: one[0])
    return [(k, matrix) for _, k, matrix in moved[:_PAIRS]]


def _compare(here: Frame, there: Frame, matrix: Doubles) -> tuple[float, float, float] | None:
    a, b = _grey(here), _grey(there)
    size = (a.shape[1], a.shape[0])
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_CUBIC
    warped = np.asarray(cv2.warpPerspective(b, matrix, size, flags=flags, borderValue=-1), np.float32)
    part = _middle(a.shape)
    first, moved, fixed = (_residual(picture)[part] for picture in (a, warped, b))
    rough = cv2.GaussianBlur(a, (0, 0), 1.5)
    slope = np.hypot(cv2.Sobel(rough, cv2.CV_32F, 1, 0), cv2.Sobel(rough, cv2.CV_32F, 0, 1))
    clipped = (a < 12) | (a > 243) | (warped < 6)
    cost = _blocks(slope[part] + 1e3 * clipped[part])
    smooth = cost <= np.quantile(cost, 0.25)
    if (cost[smooth] > 900).mean() > 0.2 or smooth.sum() < 24:
        return None
    mask = np.kron(smooth, np.ones((BLOCK, BLOCK))).astype(bool)
    first, moved, fixed = (values[: mask.shape[0], : mask.shape[1]][mask] for values in (first, moved, fixed))
    level = float(first.std())
    if not GRAIN <= level <= COARSE:
        return None
    return _alike(first, moved), _alike(first, fixed), level


def _grey(frame: Frame) -> Floats:
    return np.asarray(cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY), np.float32)


def _middle(shape: tuple[int, ...]) -> tuple[slice, slice]:
    """The middle of a picture, at most SIDE a side, a few pixels within its edge."""
    return tuple(slice(max(4, (n - SIDE) // 2), n - max(4, (n - SIDE) // 2)) for n in shape[:2])  # type: ignore[return-value]


def _residual(picture: Floats) -> Floats:
    return np.asarray(picture - cv2.GaussianBlur(picture, (0, 0), 1.6), np.float32)


def _blocks(values: Floats) -> Doubles:
    rows, columns = values.shape[0] // BLOCK, values.shape[1] // BLOCK
    cut = values[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return np.asarray(cut.mean(axis=(1, 3), dtype=np.float64))


def _alike(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum() / size) if size > 1e-6 else 0.0
