"""Where a photo shows something else than the burst around it.

A frame is laid over the photo: by the map of the whole (`measures.placing`), then by dense optical flow
(DIS, Kroeger et al. 2016), which takes up what one plane cannot: near things, a rolling shutter, the lens.
Both are brought to one brightness and one blur. Then, window by window, one side is explained by the
other: shifted by a pixel at most, and with a contrast of its own within GAIN. What stays unexplained where
there is texture on either side is something that one shows and the other does not. Besides, brightness and
colour of each place are compared (`measures.departure`), but for the sheet and the hand that holds it, which
move before the scene from one frame to the next. Each place counts as explained when any of several frames
explains it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from verification.measures.departure import departed, toned
from verification.measures.placing import Placed, alike, place

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
PART = 0.5  # share of the texture that stays unexplained, from which a place differs, if it also is
RISE = 4.0  # times what stays unexplained in the middling place, and
LEAST, ENOUGH = 2.5, 6.0  # grey levels (standard deviation); above the second in any case
LOOK = 0.002  # of the picture: a smaller region is not looked at in further frames
FURTHER = 5  # frames,
APART = 2  # at first none nearer in the burst than this to another
LAID = 0.15  # a frame that differs from the nearest in more of the picture is laid wrong
ON_SHEET = 0.4
MARGIN = 0.04  # of the long side: so far around sheet and arm levels are not compared
STEADY = 0.5  # share of them that must agree with the nearest frame about a place


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


@dataclass(frozen=True, slots=True, eq=False)
class Over:
    """A frame laid over the photo: uint8[h, w] in the photo's brightness and contrast, its own luminance and
    colour differences float32[h, w, 3], and where it reaches, bool[h, w]."""

    grey: Grey
    tones: Floats
    seen: Mask


def difference(
    photo: Pixels,
    frames: list[Pixels],
    where: Placed,
    sheet: Doubles | None = None,
    *,
    levels: bool = True,
) -> Difference | None:
    """The largest region that differs; None where the photo was not found among the frames.

    Where the frames differ among themselves something moves, and nothing is held against the photo.

    Args:
        photo: uint8[h, w, 3]. frames: of one size, in order.
        where: the photo's place among them.
        sheet: float64[4, 2] pixels of the photo: what lies in it counts ON_SHEET.
        levels: whether brightness and colour are compared; not where a sheet is held nobody knows where.
    """
    here, held, most = _shrunk(photo), None if sheet is None else sheet * SIDE / max(photo.shape[:2]), None
    tones = toned(photo, (here.shape[1], here.shape[0]))
    weights, free = _weights(here, held), _free(here, held) & levels
    unlike, first = np.empty(0, np.float32), None
    moving, asked = np.zeros(here.shape, np.float32), 0
    for count, (frame, matrix) in enumerate(_further(photo, frames, where), 1):
        over = _over(here, frame, _scaled(matrix, photo, frame))
        found = _apart(here, tones, over, free)
        if first is None:
            first, unlike = over, found
        else:
            unlike = np.fmin(unlike, found)
            apart = np.nan_to_num(_apart(first.grey, first.tones, over, free & first.seen)) > 0
            if apart.mean() < LAID:
                moving, asked = moving + apart, asked + 1
        still = np.where(moving > (1 - STEADY) * asked, 0, unlike).astype(np.float32)
        most = _largest(still, weights, count)
        if most.share < LOOK:
            break
    return most


def _apart(here: Grey, tones: Floats, over: Over, free: Mask) -> Floats:
    """What one frame leaves unexplained around each pixel, by structure or by level; NaN where it does not
    reach."""
    laid = _flowed(here, over)
    unlike = _unlike(here, laid.grey, laid.seen)
    return np.maximum(unlike, departed(tones, laid.tones, laid.seen & free))


def _further(photo: Pixels, frames: list[Pixels], where: Placed) -> Iterator[tuple[Pixels, Doubles]]:
    """The frame the photo is nearest to, then its neighbours, then others, each with its map."""
    if not where.found or where.matrix is None:
        return
    yield frames[where.frame], where.matrix
    for k in _spread(alike(photo, frames), where.frame)[:FURTHER]:
        other = place(photo, [frames[k]])
        if other.found and other.matrix is not None:
            yield frames[k], other.matrix


def _spread(order: list[int], first: int) -> list[int]:
    """Frames in the order given, but those next to one taken already only after the others: what moves is
    seen elsewhere at another time."""
    taken, later = [first], list[int]()
    for k in order:
        if k != first:
            (later if min(abs(k - other) for other in taken) < APART else taken).append(k)
    return taken[1:] + later


def _weights(here: Grey, sheet: Doubles | None) -> Floats:
    """What a pixel counts: less on the sheet, which is held in a hand and hides now this, now that."""
    weights = np.ones(here.shape, np.float32)
    if sheet is not None:
        cv2.fillConvexPoly(weights, np.round(sheet).astype(np.int32), ON_SHEET)
    return weights


def _free(here: Grey, sheet: Doubles | None) -> Mask:
    """Where levels are compared: not about the sheet, nor below it, where the arm is."""
    held = np.zeros(here.shape, np.uint8)
    if sheet is not None:
        foot = np.array([(x, here.shape[0]) for x in (sheet[:, 0].min(), sheet[:, 0].max())])
        outline = cv2.convexHull(np.round(np.vstack([sheet, foot])).astype(np.int32))
        cv2.fillConvexPoly(held, outline, 1)
        width = 2 * round(MARGIN * SIDE) + 1
        held = np.asarray(cv2.dilate(held, np.ones((width, width), np.uint8)), np.uint8)
    return np.asarray(held == 0)


def _shrunk(rgb: Pixels) -> Grey:
    scale = SIDE / max(rgb.shape[:2])
    size = (max(16, round(rgb.shape[1] * scale)), max(16, round(rgb.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.cvtColor(cv2.resize(rgb, size, interpolation=how), cv2.COLOR_RGB2GRAY), np.uint8)


def _scaled(matrix: Doubles, photo: Pixels, frame: Pixels) -> Doubles:
    """The map between the shrunk pictures."""
    here, there = SIDE / max(photo.shape[:2]), SIDE / max(frame.shape[:2])
    return np.diag([there, there, 1.0]) @ matrix @ np.diag([1 / here, 1 / here, 1.0])


def _over(here: Grey, frame: Pixels, matrix: Doubles) -> Over:
    """A frame laid over the photo by a map between the shrunk pictures."""
    there, size, back = _shrunk(frame), (here.shape[1], here.shape[0]), np.linalg.inv(matrix)
    over = np.asarray(cv2.warpPerspective(there, back, size), np.uint8)
    tones = cv2.warpPerspective(toned(frame, (there.shape[1], there.shape[0])), back, size)
    seen = cv2.warpPerspective(np.full_like(there, 255), back, size) > 250
    if not seen.any():
        return Over(here.copy(), np.asarray(tones, np.float32), seen)
    a, b = here[seen].astype(np.float32), over[seen].astype(np.float32)
    even = (over - b.mean()) * (a.std() / max(float(b.std()), 1.0)) + a.mean()
    grey = np.where(seen, np.clip(even, 0, 255), here).astype(np.uint8)
    return Over(grey, np.asarray(tones, np.float32), seen)


def _flowed(here: Grey, over: Over) -> Over:
    """The frame once more, carried by the flow, and where a whole window of it is seen."""
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = np.asarray(dis.calc(here, over.grey, None), np.float32)  # type: ignore[call-overload]  # begins at rest
    rows, columns = np.mgrid[: here.shape[0], : here.shape[1]].astype(np.float32)
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    grey, tones = (
        cv2.remap(one, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for one in (over.grey, over.tones)
    )
    full = cv2.remap(over.seen.astype(np.uint8), x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)
    inner = cv2.erode(
        full, np.ones((WINDOW, WINDOW), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    return Over(np.asarray(grey, np.uint8), np.asarray(tones, np.float32), inner > 0)


def _unlike(here: Grey, laid: Grey, full: Mask) -> Floats:
    """What stays unexplained around each pixel, grey levels, float32[h, w]: 0 where that is little; NaN where
    the frame does not reach."""
    if not full.any():
        return np.full(here.shape, np.nan, np.float32)
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
    left, texture = np.sqrt(np.maximum(least, 0)), np.sqrt(np.maximum(spread, other_spread))
    level = float(np.clip(RISE * np.median(left[full]), LEAST, ENOUGH))
    different = (left > level) & (left > PART * texture)
    return np.where(full, np.where(different, left, 0), np.nan).astype(np.float32)


def _of_one_blur(one: Floats, two: Floats, full: Mask) -> tuple[Floats, Floats]:
    """Both pictures, the sharper one softened until they differ least."""
    pairs = [(_soft(one, blur), two) for blur in BLURS] + [(one, _soft(two, blur)) for blur in BLURS[1:]]

    def apart(pair: tuple[Floats, Floats]) -> float:
        return float(np.median(np.abs(_fine(pair[0]) - _fine(pair[1]))[full]))

    return min(pairs, key=apart)


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


def _largest(unlike: Floats, weights: Floats, frames: int) -> Difference:
    compared = np.isfinite(unlike)
    count, labels = cv2.connectedComponents((np.nan_to_num(unlike) > 0).astype(np.uint8), connectivity=8)
    areas = np.bincount(labels.ravel(), weights.ravel(), count)
    areas[0] = 0.0
    largest = int(areas.argmax())
    if not areas[largest]:
        return Difference(0.0, (0.0, 0.0, 0.0, 0.0), 0.0, float(compared.mean()), frames)
    region = (labels == largest).astype(np.uint8)
    (left, top, width, height), (high, wide) = cv2.boundingRect(region), unlike.shape
    return Difference(
        share=float(areas[largest]) / max(1.0, float(compared.sum())),
        box=(left / wide, top / high, width / wide, height / high),
        levels=float(np.median(unlike[region > 0])),
        compared=float(compared.mean()),
        frames=frames,
    )
