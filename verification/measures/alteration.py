"""Where a photo shows something else than the burst around it.

A frame is laid over the photo: by the map of the whole (`measures.placing`), then by dense optical flow
(DIS, Kroeger et al. 2016), which takes up what one plane cannot: near things, a rolling shutter, the lens.
Both are brought to one brightness and one blur. Then, window by window, one side is explained by the
other: shifted by a pixel at most, and with a contrast of its own within GAIN. What stays unexplained where
there is texture on either side is something that one shows and the other does not. Each place counts as
explained when any of several frames explains it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from verification.measures.placing import Placed, place

Pixels = npt.NDArray[np.uint8]
Grey = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SIDE = 320  # long side at which photo and frames are compared
WINDOW = 15  # pixels of that
GAIN = 2.0  # how much the contrast of a place may differ, either way
BLUR = 1.0  # both sides are softened by this, against noise and blocking
BLURS = (0.0, 0.8, 1.4, 2.2)  # more for the sharper side
LEVELS = 5.0  # grey levels (standard deviation) that stay unexplained, and
PART = 0.5  # their share of the texture, from which a place differs
LOOK = 0.002  # of the picture: a smaller region is not looked at in further frames
FURTHER = 4  # frames


@dataclass(frozen=True, slots=True)
class Difference:
    """The largest region in which the photo and every frame differ.

    Attributes:
        share: of the part of the photo that was compared, 0..1.
        box: left, top, width, height as shares of the photo.
        levels: median of what stays unexplained in it, grey levels of the photo.
        compared: the share of the photo that the frames see.
        frames: how many were looked at.
    """

    share: float
    box: tuple[float, float, float, float]
    levels: float
    compared: float
    frames: int


def difference(photo: Pixels, frames: list[Pixels], where: Placed) -> Difference | None:
    """The largest region that differs; None where the photo was not found among the frames.

    Args:
        photo: uint8[h, w, 3]. frames: of one size, in order.
        where: the photo's place among them.
    """
    here, unlike, most = _shrunk(photo), None, Difference(0.0, (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, 0)
    for count, (frame, matrix) in enumerate(_further(photo, frames, where), 1):
        found = _unlike(here, *_laid(here, _shrunk(frame), _scaled(matrix, photo, frame)))
        unlike = found if unlike is None else np.fmin(unlike, found)
        most = _largest(unlike, count)
        if most.share < LOOK:
            break
    return most if unlike is not None else None


def _further(photo: Pixels, frames: list[Pixels], where: Placed) -> Iterator[tuple[Pixels, Doubles]]:
    """The frame the photo is nearest to, then its neighbours, then others, each with its map."""
    if not where.found or where.matrix is None:
        return
    yield frames[where.frame], where.matrix
    near = [where.frame + step for step in (1, -1, 2, -2, 4, -4)]
    for k in [k for k in near if 0 <= k < len(frames)][:FURTHER]:
        other = place(photo, [frames[k]])
        if other.found and other.matrix is not None:
            yield frames[k], other.matrix


def _shrunk(rgb: Pixels) -> Grey:
    scale = SIDE / max(rgb.shape[:2])
    size = (max(16, round(rgb.shape[1] * scale)), max(16, round(rgb.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.cvtColor(cv2.resize(rgb, size, interpolation=how), cv2.COLOR_RGB2GRAY), np.uint8)


def _scaled(matrix: Doubles, photo: Pixels, frame: Pixels) -> Doubles:
    """The map between the shrunk pictures."""
    here, there = SIDE / max(photo.shape[:2]), SIDE / max(frame.shape[:2])
    return np.diag([there, there, 1.0]) @ matrix @ np.diag([1 / here, 1 / here, 1.0])


def _laid(here: Grey, there: Grey, matrix: Doubles) -> tuple[Grey, Mask]:
    """A frame laid over the photo, and where it does."""
    size, back = (here.shape[1], here.shape[0]), np.linalg.inv(matrix)
    over = np.asarray(cv2.warpPerspective(there, back, size), np.uint8)
    seen = cv2.warpPerspective(np.full_like(there, 255), back, size)
    full = seen > 250
    if full.sum() < WINDOW * WINDOW:
        return over, full
    a, b = here[full].astype(np.float32), over[full].astype(np.float32)
    even = (over - b.mean()) * (a.std() / max(float(b.std()), 1.0)) + a.mean()
    over = np.where(full, np.clip(even, 0, 255), here).astype(np.uint8)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(here, over, None)
    rows, columns = np.mgrid[: here.shape[0], : here.shape[1]].astype(np.float32)
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    laid = cv2.remap(over, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    full = cv2.remap(seen, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT) > 250
    inner = cv2.erode(full.astype(np.uint8), np.ones((WINDOW, WINDOW), np.uint8), borderValue=0)
    return np.asarray(laid, np.uint8), inner > 0


def _unlike(here: Grey, laid: Grey, full: Mask) -> Floats:
    """What stays unexplained around each pixel, grey levels, float32[h, w]: 0 where it is little beside the
    texture; NaN where the frame does not reach."""
    one, two = _of_one_blur(_soft(here, BLUR), _soft(laid, BLUR), full)
    mean, spread = _moments(one)
    other_mean, other_spread = _moments(two)
    least = np.full(here.shape, np.inf, np.float32)
    for step in [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]:
        moved, their_mean, their_spread = (np.roll(a, step, (0, 1)) for a in (two, other_mean, other_spread))
        common = _mean(one * moved) - mean * their_mean
        gain = np.clip(common / np.maximum(their_spread, 1e-3), 1 / GAIN, GAIN)
        rest = spread - 2 * gain * common + gain * gain * their_spread
        least = np.minimum(least, rest / gain)
    texture = np.sqrt(np.maximum(spread, other_spread))
    left = np.sqrt(np.maximum(least, 0))
    return np.where(full, np.where(left > PART * texture, left, 0), np.nan).astype(np.float32)


def _of_one_blur(one: Floats, two: Floats, full: Mask) -> tuple[Floats, Floats]:
    """Both pictures, the sharper one softened until they differ least."""
    pairs = [(_soft(one, blur), two) for blur in BLURS] + [(one, _soft(two, blur)) for blur in BLURS[1:]]
    return min(
        pairs,
        key=lambda pair: (
            float(np.median(np.abs(_fine(pair[0]) - _fine(pair[1]))[full])) if full.any() else 0.0
        ),
    )


def _fine(grey: Floats) -> Floats:
    return np.asarray(cv2.Laplacian(grey, cv2.CV_32F), np.float32)


def _soft(grey: Grey | Floats, blur: float) -> Floats:
    values = grey.astype(np.float32)
    return np.asarray(cv2.GaussianBlur(values, (0, 0), blur), np.float32) if blur else values


def _mean(values: Floats) -> Floats:
    return np.asarray(cv2.boxFilter(values, -1, (WINDOW, WINDOW)), np.float32)


def _moments(values: Floats) -> tuple[Floats, Floats]:
    """Mean and variance in each window."""
    mean = _mean(values)
    return mean, np.maximum(_mean(values * values) - mean * mean, 0)


def _largest(unlike: Floats, frames: int) -> Difference:
    compared = np.isfinite(unlike)
    bad = np.nan_to_num(unlike) > LEVELS
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bad.astype(np.uint8), connectivity=8)
    share = float(compared.mean())
    if count < 2:
        return Difference(0.0, (0.0, 0.0, 0.0, 0.0), 0.0, share, frames)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    left, top, width, height, area = stats[largest].tolist()
    high, wide = unlike.shape
    levels = float(np.median(unlike[labels == largest]))
    box = (left / wide, top / high, width / wide, height / high)
    return Difference(area / max(1, int(compared.sum())), box, levels, share, frames)
