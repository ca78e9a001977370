"""Measures of written paper against the scene around it, in one photo: edges, grain, shading.

All on grey levels 0..255. They compare like with like: ink edges with the sharpest edges of the scene, the
paper's grain with that of places as bright. Where the scene has no such place that is smooth (leaves, gravel,
a screen's grid) that compares paper with texture; so the grain is also held against the smoothest places of
the scene, however bright, and the width of the ink's edges is told in pixels, for a scene may be blurred.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from verification.measures.placing import grown

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

CONTRAST = 45  # grey levels across an edge that is measured
EDGES = 60  # fewer measured edge pixels say nothing
BLOCK = 6
SMOOTH = 20  # fewer smooth blocks say nothing
PLACES = 200  # fewer blocks of the scene have no smoothest ones worth the name
ROUGH = (
    3.0  # grey levels: no sensor's grain is so coarse; a scene whose smoothest places are is texture all over
)
DARK, BRIGHT = 50, 246  # grey levels at which noise is seen: neither crushed nor clipped


@dataclass(frozen=True, slots=True)
class Lettering:
    """What was measured; None where there was too little to measure.

    Attributes:
        edges: log of the width of the sharpest ink edges over that of the scene's: negative is sharper.
        ink: width in pixels of the sharpest ink edges; 2 is a step from one pixel to the next.
        grain: log of the paper's grain over that of the smoother places as bright: negative is cleaner.
        clean: the same over that of the scene's smoothest places of any brightness; None where even those
            are rougher than grain is.
        shading: how much the paper's brightness varies over it, as a share.
    """

    edges: float | None
    ink: float | None
    grain: float | None
    clean: float | None
    shading: float | None


def measure(rgb: npt.NDArray[np.uint8], box: Doubles) -> Lettering:
    """The writing's box is float64[4, 2] pixels of uint8[h, w, 3]."""
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)
    writing, near = _filled(grey.shape, grown(box, 1.05, 1.15)), _filled(grey.shape, grown(box, 1.15, 1.5))
    scene = ~_filled(grey.shape, grown(box, 2.0, 3.4))
    widths, firm = _widths(grey)
    ink, others = widths[firm & writing], widths[firm & scene]
    wide = float(np.quantile(ink, 0.1)) if len(ink) >= EDGES else None
    edges = None
    if wide is not None and len(others) >= EDGES:
        edges = math.log(wide / float(np.quantile(others, 0.1)))
    grain, clean = _grain(grey, near, scene)
    return Lettering(edges, wide, grain, clean, _shading(grey, near))


def _filled(shape: tuple[int, ...], box: Doubles) -> Mask:
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round(box).astype(np.int32), 1)
    return mask.astype(bool)


def _widths(grey: Floats) -> tuple[Floats, Mask]:
    """Width in pixels of the edge at each pixel (contrast over slope), and where one can be measured."""
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8
    window = np.ones((9, 9), np.uint8)
    contrast = cv2.dilate(grey, window) - cv2.erode(grey, window)
    ridge = slope >= cv2.dilate(slope, np.ones((3, 3), np.uint8))
    firm = ridge & (contrast > CONTRAST) & (slope > 2)
    return np.asarray(contrast / np.maximum(slope, 0.5), np.float32), np.asarray(firm)


def _grain(grey: Floats, paper: Mask, scene: Mask) -> tuple[float | None, float | None]:
    """The lower fifth of residuals in blocks of paper, over that of the scene's as bright, and over those of
    its smoothest blocks."""
    residual = grey - cv2.GaussianBlur(grey, (0, 0), 1.4)
    level, spread, where = _table(grey), np.sqrt(_table(residual**2)), _table(paper.astype(np.float32))
    mine = (where > 0.99) & (level < BRIGHT)
    if mine.sum() < SMOOTH:
        return None, None
    bright = float(np.quantile(level[mine], 0.7))
    mine &= level > bright - 25
    if mine.sum() < SMOOTH:
        return None, None
    seen = (_table(scene.astype(np.float32)) > 0.99) & (level < BRIGHT)
    alike, any_level = seen & (np.abs(level - bright) < 30), seen & (level > DARK)
    ours = float(np.quantile(spread[mine], 0.2))
    theirs = float(np.quantile(spread[alike], 0.2)) if alike.sum() >= SMOOTH else None
    least = float(np.quantile(spread[any_level], 0.02)) if any_level.sum() >= PLACES else ROUGH
    return (
        None if theirs is None else _log_ratio(ours, theirs),
        None if least >= ROUGH else _log_ratio(ours, least),
    )


def _log_ratio(one: float, other: float) -> float:
    return math.log(max(one, 0.02) / max(other, 0.02))


def _shading(grey: Floats, paper: Mask) -> float | None:
    """Spread of the paper's brightness in its fifths, along and across, as a share of it."""
    y, x = np.nonzero(paper)
    if len(x) < 400:
        return None
    values = grey[y, x]
    cells = (np.digitize(x, np.quantile(x, (0.25, 0.5, 0.75))) * 4) + np.digitize(
        y, np.quantile(y, (0.25, 0.5, 0.75))
    )
    tops = [float(np.quantile(values[cells == c], 0.8)) for c in range(16) if (cells == c).sum() >= 20]
    return float(np.std(tops)) / max(float(np.mean(tops)), 1.0) if len(tops) >= 6 else None


def _table(values: Floats) -> Doubles:
    rows, columns = values.shape[0] // BLOCK, values.shape[1] // BLOCK
    cut = values[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return np.asarray(cut.mean(axis=(1, 3), dtype=np.float64))
