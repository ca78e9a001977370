"""Where a photo has other brightness or colour than the frame laid over it.

What `measures.alteration` compares is structure; a thing that was taken away from a plain wall, or put there,
leaves little of that. Here the level itself is compared, in luminance and both colour differences, after what
the whole picture changed by is taken out: a gain, and a slow fall-off (exposure, white balance, the lens).
A pixel departs by as much as it lies outside the range of the other side's pixels around it, so that an edge
laid wrong by a pixel departs by nothing. How much honest pictures depart depends on the light, the lens and
the slope of the picture; the pair itself tells it: the parts of like slope are the measure of each part.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

WINDOW = 9  # pixels
SOFT = 1.0  # both sides are softened by this, against noise
REACH = 3  # pixels across: the neighbourhood whose range excuses
TIMES = 6.0  # as much as like parts of the picture depart by, and
LEAST = 1.5  # levels, from which a place is another
PLAIN = 0.25  # levels: what like parts depart by is not taken for less
USUAL = 0.75  # quantile of what like parts depart by
CLASSES = 8  # of slope
STEP = 4  # every so many pixels are enough for the slow change
ROUNDS = 3


def toned(rgb: Pixels, size: tuple[int, int]) -> Floats:
    """Luminance and two colour differences float32[h, w, 3] at a size (width, height)."""
    how = cv2.INTER_AREA if rgb.shape[1] > size[0] else cv2.INTER_LINEAR
    small = cv2.resize(rgb, size, interpolation=how)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb), np.float32)


def departed(here: Floats, laid: Floats, full: Mask) -> Floats:
    """By how much the photo departs around each pixel, levels, float32[h, w]: 0 where that is little or
    the frame does not reach.

    Args:
        here: the photo, luminance and colour differences float32[h, w, 3].
        laid: the frame laid over it. full: where it reaches.
    """
    if full.sum() < CLASSES * WINDOW * WINDOW:
        return np.zeros(full.shape, np.float32)
    one, two = _soft(here), _soft(_evened(here, laid, full))
    apart = _most(np.maximum(_outside(one, two), _outside(two, one)))
    around = _mean(np.where(full, apart, 0).astype(np.float32))
    limit = np.maximum(TIMES * np.maximum(_usual(around, _mean(_slope(two)), full), PLAIN), LEAST)
    return np.where(full & (around > limit), around, 0).astype(np.float32)


def _evened(here: Floats, laid: Floats, full: Mask) -> Floats:
    """The frame, each channel changed by what brings most of it to the photo: a gain of its own, a share of
    the luminance and a level, the last two quadratics in x and y."""
    rows, columns = full.shape
    y, x = np.linspace(-1, 1, rows)[:, None], np.linspace(-1, 1, columns)[None, :]
    part = (slice(None, None, STEP), slice(None, None, STEP))
    slow = np.stack(np.broadcast_arrays(*_quadratic(x[:, ::STEP], y[::STEP])), axis=-1)[full[part]]
    few, wanted = laid[part][full[part]] / 128.0, here[part][full[part]].astype(np.float64)
    common = np.hstack([few[:, :1] * slow, slow])
    bright, result = laid[..., 0] / 128.0, np.empty_like(laid)
    for channel in range(3):
        fit = _fitted(np.hstack([few[:, channel : channel + 1], common]), wanted[:, channel])
        gains, levels = (_surface(fit[k : k + 6], x, y) for k in (1, 7))
        result[..., channel] = laid[..., channel] * (fit[0] / 128.0) + bright * gains + levels
    return result


def _surface(fit: Doubles, x: Doubles, y: Doubles) -> Doubles:
    """The quadratic in x float64[1, w] and y float64[h, 1] of these six numbers, float64[h, w]."""
    terms = zip(fit, _quadratic(x, y), strict=True)
    return sum((value * term for value, term in terms), np.zeros((len(y), x.shape[1])))


def _quadratic(x: Doubles, y: Doubles) -> tuple[Doubles, ...]:
    return np.ones_like(x), x, y, x * x, y * y, x * y


def _fitted(basis: Doubles, wanted: Doubles) -> Doubles:
    """Least squares, each round without what was off by thrice the middling."""
    keep = np.ones(len(wanted), bool)
    for _ in range(ROUNDS):
        held = basis[keep]
        ridge = 1e-3 * np.eye(basis.shape[1])
        fit = np.linalg.solve(held.T @ held + ridge, held.T @ wanted[keep])
        off = np.abs(wanted - basis @ fit)
        keep = off <= max(1.0, 3 * float(np.median(off[keep])))
    return np.asarray(fit, np.float64)


def _soft(values: Floats) -> Floats:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), SOFT), np.float32)


def _outside(values: Floats, others: Floats) -> Floats:
    """How far each value lies outside the range of the others around it."""
    near = np.ones((REACH, REACH), np.uint8)
    over, under = values - cv2.dilate(others, near), cv2.erode(others, near) - values
    return np.asarray(np.maximum(np.maximum(over, under), 0), np.float32)


def _mean(values: Floats) -> Floats:
    return np.asarray(cv2.boxFilter(values, -1, (WINDOW, WINDOW)), np.float32)


def _slope(values: Floats) -> Floats:
    """Steepest change of any channel, levels a pixel, float32[h, w]."""
    across, down = cv2.Sobel(values, cv2.CV_32F, 1, 0), cv2.Sobel(values, cv2.CV_32F, 0, 1)
    return _most(np.asarray(cv2.magnitude(across, down), np.float32)) / np.float32(8)


def _most(values: Floats) -> Floats:
    """The largest of three channels, float32[h, w]."""
    one, two, three = cv2.split(values)
    return np.asarray(cv2.max(cv2.max(one, two), three), np.float32)


def _usual(around: Floats, slope: Floats, full: Mask) -> Floats:
    """What parts of such a slope usually depart by, float32[h, w]; steeper ones never by less."""
    slopes, found = slope[full], around[full]
    edges = np.quantile(slopes, np.linspace(0, 1, CLASSES + 1))
    which = np.clip(np.searchsorted(edges, slopes, side="right") - 1, 0, CLASSES - 1)
    classes = [of for of in (which == k for k in range(CLASSES)) if of.any()]
    middles = [float(slopes[of].mean()) for of in classes]
    usual = np.maximum.accumulate([float(np.quantile(found[of], USUAL)) for of in classes])
    return np.interp(slope, middles, usual).astype(np.float32)
