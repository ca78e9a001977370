"""The grain of a capture: what tells one exposure from another where nothing else does.

Two photographs of a poster, or two by a fixed camera, may lie on each other pixel for pixel. Their noise does
not: photon and read noise are drawn anew for every exposure, and a sensor's own pattern is the smaller part
of it. A copy carries the noise of what it was made from, under what its making adds or takes away.

A picture is remembered with the high-pass of its smoothest squares (where there is least but noise), at no
more than SIDE pixels a side. A later picture that lies on it is brought to those squares and correlated with
them: `shared` noise is proof of one exposure; noise of its `own` speaks for two, but is no proof, for anybody
can sprinkle some; where it is much smoother than the earlier one (compressed hard, made small, blurred), the
noise is `unread`.
Texture (leaves, grass, far woods) is shared by all exposures of it: two of one mountainside correlate by up
to 0.945 there, by so much as their noise and what the map misses allow. So squares that hold more than a
camera's noise (TEXTURE) are proof only beyond that (TEXTURED).
Limits: texture fainter than TEXTURE passes for noise.
Source: the noise residual as evidence of one origin is that of source identification (Lukas, Fridrich &
Goljan, IEEE TIFS 1(2), 2006); here the part that changes from picture to picture is used, too.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[np.uint8]
Floats: TypeAlias = npt.NDArray[np.float32]
Places: TypeAlias = npt.NDArray[np.int16]
Matrix: TypeAlias = npt.NDArray[np.float64]

SIDE = 1600  # pixels: finer, a large picture's noise is its maker's smoothing; coarser, it is gone
SQUARE = 32  # pixels: side of a square
SHARED = 0.5  # median correlation from which the noise is one
MOVED = 0.45  # the same where the one is no more than a part of the other: so lie no two by a fixed camera
FIRM = 0.8  # the same where nothing else need say so
SMOOTHER = 0.8  # noise over the earlier picture's (variances), from which it can be its own
LOST, ADDED = 0.5, 3.0  # the same, beyond which no fixed camera's is in one light
TEXTURE = 4.0  # grey levels squared: more than a camera's noise at this size
FAINTER = ((1.5, 4.0), (0.45, 0.7))  # grey levels squared -> correlation from which less than that is one
TEXTURED = 0.96  # median correlation from which squares of texture are those of one exposure
LEAST = 6  # squares; fewer are not worth a median
_FIELDS, _EACH = 4, 5  # the squares are the smoothest of every field of a grid
_COMPARED = 8  # squares at most: the smoothest that both show
_WIDE, _NARROW = 3.0, 0.6  # pixels (sigma): the band lies between
_STEP = 0.125  # grey levels: how finely the band is kept
_MARGIN = 3  # pixels at a square's rim that its blur spoils
_DARK, _BRIGHT = 8, 247  # grey levels beyond which noise is cut off
_FINER = 1.1  # pixels for one of the earlier picture's
_FAINT = 0.2  # grey levels squared: a square with less of the earlier picture's noise has lost it


@dataclass(frozen=True, slots=True, eq=False)
class Residue:
    """A picture's smoothest squares.

    Attributes:
        width / height: of the picture they lie in, at most SIDE.
        places: int16[n, 2], x and y of their top left corners, the smoothest first.
        squares: int8[n, SQUARE, SQUARE], the high-pass in units of an eighth of a grey level.
    """

    width: int
    height: int
    places: Places
    squares: npt.NDArray[np.int8]

    def pack(self) -> bytes:
        """As bytes, about 50 KB."""
        head = np.array([self.width, self.height, len(self.places)], "<i2").tobytes()
        return zlib.compress(head + self.places.astype("<i2").tobytes() + self.squares.tobytes(), 6)

    @classmethod
    def unpack(cls, data: bytes) -> Residue:
        """The inverse of `pack`."""
        held = zlib.decompress(data)
        width, height, count = (int(value) for value in np.frombuffer(held, "<i2", 3))
        places = np.frombuffer(held, "<i2", 2 * count, 6).reshape(count, 2).astype(np.int16)
        squares = np.frombuffer(held, np.int8, count * SQUARE**2, 6 + 4 * count)
        return cls(width, height, places, squares.reshape(count, SQUARE, SQUARE))


@dataclass(frozen=True, slots=True)
class Reading:
    """What a picture's noise has of an earlier one's.

    Attributes:
        squares: that were compared.
        correlation: median over them, 0..1, of whatever sign.
        kept: the picture's noise over the earlier one's (variances).
        variance: of the earlier picture's squares, grey levels squared (median).
    """

    squares: int = 0
    correlation: float = 0.0
    kept: float = 0.0
    variance: float = 0.0

    @property
    def textured(self) -> bool:
        """Whether the squares hold more than a camera's noise."""
        return self.variance > TEXTURE

    @property
    def firm(self) -> bool:
        """Whether the noise is so much the same that nothing else need be."""
        return self.alike(FIRM)

    @property
    def altered(self) -> bool:
        """Whether it has much less noise than the earlier one, or much more."""
        return self.squares >= LEAST and not LOST <= self.kept <= ADDED

    @property
    def says(self) -> str:
        """ "shared", "own" or "unread"."""
        if self.alike(SHARED):
            return "shared"
        own = self.squares >= LEAST and self.correlation < SHARED and self.kept >= SMOOTHER
        return "own" if own else "unread"

    def alike(self, enough: float) -> bool:
        """Whether enough of the noise is shared, 0..1; of what may be texture, more."""
        faint = max(enough, float(np.interp(self.variance, *FAINTER)))
        return self.squares >= LEAST and self.correlation >= (TEXTURED if self.textured else faint)


def fine(rgb: Pixels) -> Floats:
    """The brightness float32[h, w] of uint8[h, w, 3], at most SIDE a side."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    scale = min(1.0, SIDE / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.float32)


def residue(rgb: Pixels) -> Residue:
    """The Residue of uint8[h, w, 3]; without squares where all is cut off or it is too small."""
    grey = fine(rgb)
    height, width = grey.shape
    band = _high(grey)
    rows, columns = height // SQUARE, width // SQUARE

    def cut(values: Floats) -> Floats:
        return values[: rows * SQUARE, : columns * SQUARE].reshape(rows, SQUARE, columns, SQUARE)

    variance = cut(band * band).mean(axis=(1, 3))
    whole = cut(grey)
    usable = (whole.min(axis=(1, 3)) > _DARK) & (whole.max(axis=(1, 3)) < _BRIGHT)
    chosen = _chosen(np.where(usable, variance, np.inf).astype(np.float32))
    places = (chosen[:, ::-1] * SQUARE).astype(np.int16)
    found = [band[y : y + SQUARE, x : x + SQUARE] for x, y in places]
    squares = np.array(found, np.float32).reshape(-1, SQUARE, SQUARE)
    kept = np.clip(np.rint(squares / _STEP), -127, 127).astype(np.int8)
    return Residue(width, height, places, kept)


def read(grey: Floats, earlier: Residue, matrix: Matrix, sizes: tuple[tuple[int, int], ...]) -> Reading:
    """How much of an earlier picture's noise another one has.

    Args:
        grey: `fine` of the picture.
        matrix: float64[3, 3], from it to the earlier one, both at the `sizes` (height, width) of a Look.
    """
    there = (earlier.height, earlier.width)
    warp = _between(sizes[0], grey.shape) @ np.linalg.inv(matrix) @ _between(there, sizes[1])
    ratio = float(
        np.sqrt(abs(np.linalg.det(warp[:2, :2] / warp[2, 2])))
    )  # its pixels for one of the earlier's
    blur = _NARROW * max(1.0, 1 / max(ratio, 0.1))
    if ratio > _FINER:  # its pixels are finer: what lies between the earlier one's must not be sampled
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.5 * float(np.sqrt(ratio**2 - 1))), np.float32)
    found: list[tuple[float, float, float]] = []
    variances: list[float] = []
    for place, kept in zip(earlier.places, earlier.squares, strict=True):
        band = kept * np.float32(_STEP)
        before = _low(band, blur)
        seen = _brought(grey, warp, place) if float((before * before).mean()) >= _FAINT else None
        if seen is not None:
            found.append(_moments(before, _low(seen, blur)))
            variances.append(float((band * band).mean()))
        if len(found) == _COMPARED:
            break
    if not found:
        return Reading()
    both, first, second = np.array(found).T
    correlation = np.abs(both) / np.sqrt(np.maximum(first * second, 1e-6))
    power = float(np.median(second) / max(float(np.median(first)), 1e-6))
    return Reading(len(found), float(np.median(correlation)), power, float(np.median(variances)))


def _chosen(variance: Floats) -> npt.NDArray[np.int64]:
    """Rows and columns int64[n, 2] of the smoothest squares of every field, the smoothest first."""
    rows, columns = variance.shape
    y, x = np.indices(variance.shape)
    field = (y * _FIELDS // max(rows, 1)) * _FIELDS + x * _FIELDS // max(columns, 1)
    order = np.argsort(variance, axis=None, kind="stable")
    order = order[np.isfinite(variance.ravel()[order])]
    kept: list[int] = []
    count = np.zeros(_FIELDS**2, np.int64)
    for at in order.tolist():
        of = int(field.ravel()[at])
        if count[of] < _EACH:
            count[of] += 1
            kept.append(at)
    return np.stack(np.unravel_index(np.array(kept, np.int64), variance.shape), axis=1).astype(np.int64)


def _brought(grey: Floats, warp: Matrix, place: Places) -> Floats | None:
    """The band of the picture where a square of the earlier one lies; None where it does not all show it."""
    rim = round(3 * _WIDE)
    side = SQUARE + 2 * rim
    x, y = float(place[0]), float(place[1])
    corners = (
        np.array([[x, y, 1], [x + SQUARE, y, 1], [x, y + SQUARE, 1], [x + SQUARE, y + SQUARE, 1]]) @ warp.T
    )
    at = corners[:, :2] / corners[:, 2:]
    if (at < 0).any() or (at > np.array([grey.shape[1] - 1, grey.shape[0] - 1])).any():
        return None
    shift = np.array([[1, 0, x - rim], [0, 1, y - rim], [0, 0, 1]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    seen = np.asarray(
        cv2.warpPerspective(grey, warp @ shift, (side, side), flags=flags, borderMode=cv2.BORDER_REFLECT_101),
        np.float32,
    )
    inner = seen[rim:-rim, rim:-rim]
    if inner.min() <= _DARK / 2 or inner.max() >= (_BRIGHT + 255) / 2:
        return None
    return _high(seen)[rim:-rim, rim:-rim]


def _high(grey: Floats) -> Floats:
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), _WIDE), np.float32)


def _low(square: Floats, blur: float) -> Floats:
    """The square without what is finer than `blur`, its rim cut off, mean 0."""
    soft = cv2.GaussianBlur(np.asarray(square, np.float32), (0, 0), blur)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    return np.asarray(soft - soft.mean(), np.float32)


def _moments(a: Floats, b: Floats) -> tuple[float, float, float]:
    return float((a * b).mean()), float((a * a).mean()), float((b * b).mean())


def _between(to: tuple[int, ...], of: tuple[int, ...]) -> Matrix:
    """From pixels of a picture of the first size (height, width) to the second's; a pixel is its middle."""
    x, y = of[1] / to[1], of[0] / to[0]
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]])
