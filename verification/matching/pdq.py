"""PDQ, the perceptual hash of a picture, and the further views by which a crop or a turn is found.

PDQ (Meta, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm", 2019;
reference code facebook/ThreatExchange, BSD): luma, two passes of a box filter (a tent), decimation
to 64 x 64, the 16 x 16 lowest non-constant DCT coefficients, one bit each: above the median or not.
Bit 16 * i + j stands for row frequency i + 1 and column frequency j + 1. Known answers made with the
reference implementation stand in tests/verification/test_pdq.py.

A flip or quarter turn of the picture only changes signs and axes of the coefficients, so all eight
dihedral hashes cost one transform. A crop or a small turn moves a PDQ hash out of reach (a 5 % crop
by 40 bits and more), so a picture is indexed by several windows of it and sought by several turns:
see `index_views` and `query_views`.

A hash is uint64[4], little endian: bit k is bit k % 64 of word k // 64.
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
Pixels: TypeAlias = npt.NDArray[np.uint8]
Hashes: TypeAlias = npt.NDArray[np.uint64]

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def _dct_rows() -> Floats:
    """Rows 1..16 of the orthonormal DCT-II matrix of size 64: float32[16, 64]."""
    row = np.arange(1, 17)[:, None]
    column = np.arange(64)[None, :]
    rows = math.sqrt(2 / 64) * np.cos(math.pi / 128 * row * (2 * column + 1))
    return np.asarray(rows, dtype=np.float32)


_DCT: Floats = _dct_rows()


def luma(rgb: Pixels) -> Floats:
    """Brightness float32[h, w] in 0..255 of uint8[h, w, 3]."""
    return np.asarray(rgb.astype(np.float32) @ LUMA, dtype=np.float32)


def _box(values: npt.NDArray[np.float64], window: int) -> npt.NDArray[np.float64]:
    """Mean over `window` neighbours along the last axis; at the ends over those that exist."""
    length = values.shape[-1]
    ahead = (window + 2) // 2  # the reference's window leans forward when its size is even
    behind = window - ahead
    right = np.minimum(np.arange(length) + ahead, length)
    left = np.maximum(np.arange(length) - behind, 0)
    total = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
    mean: npt.NDArray[np.float64] = (total[..., right] - total[..., left]) / (right - left)
    return mean


def shrink(grey: Floats) -> Floats:
    """The reference's Jarosz filter and decimation of float[h, w] to float32[64, 64]."""
    height, width = grey.shape
    if (height, width) == (64, 64):
        return grey
    smooth: npt.NDArray[np.float64] = np.asarray(grey, dtype=np.float64)
    for _ in range(2):
        smooth = _box(smooth, (width + 127) // 128)
        smooth = _box(smooth.T, (height + 127) // 128).T
    rows = ((np.arange(64) + 0.5) * height / 64).astype(np.int64)
    columns = ((np.arange(64) + 0.5) * width / 64).astype(np.int64)
    return smooth[np.ix_(rows, columns)].astype(np.float32)


def coefficients(small: Floats) -> Floats:
    """The 16 x 16 coefficients float32[..., 16, 16] of float32[..., 64, 64]."""
    return np.asarray(_DCT @ small @ _DCT.T, dtype=np.float32)


def bits(spectrum: Floats) -> Hashes:
    """Packs `spectrum > median` of float32[..., 16, 16] into uint64[..., 4]."""
    flat = spectrum.reshape(*spectrum.shape[:-2], 256)
    lower_median = np.partition(flat, 127, axis=-1)[..., 127:128]  # the reference takes the lower of the two
    packed = np.packbits(flat > lower_median, axis=-1, bitorder="little")
    return np.ascontiguousarray(packed).view("<u8").astype(np.uint64)


def quality(small: Floats) -> int:
    """0..100: how much gradient the 64 x 64 picture has; hashes under about 50 say little."""
    down = np.trunc((small[:-1] - small[1:]) * 100 / 255)
    across = np.trunc((small[:, :-1] - small[:, 1:]) * 100 / 255)
    return min(100, int(np.abs(down).sum() + np.abs(across).sum()) // 90)


def pdq(rgb: Pixels) -> tuple[Hashes, int]:
    """The PDQ hash uint64[4] and quality 0..100 of uint8[h, w, 3], as the reference computes them.

    Raises:
        ValueError: a side is under 5 pixels.
    """
    if min(rgb.shape[:2]) < 5:
        raise ValueError(f"too small to hash: {rgb.shape[1]} x {rgb.shape[0]}")
    small = shrink(luma(rgb))
    return bits(coefficients(small)), quality(small)


_SIGN = np.where(np.arange(16) % 2 == 0, -1.0, 1.0).astype(np.float32)  # odd frequencies change sign


def dihedral(spectrum: Floats) -> Floats:
    """The coefficients of the eight turned pictures: float32[..., 16, 16] -> float32[..., 8, 16, 16].

    Entry k is the spectrum of `turn(picture, k)`.
    """
    rows, columns = _SIGN[:, None], _SIGN[None, :]
    swapped = np.swapaxes(spectrum, -1, -2)
    straight = [spectrum, spectrum * columns, spectrum * rows * columns, spectrum * rows]
    crossed = [swapped, swapped * columns, swapped * rows * columns, swapped * rows]
    return np.stack(straight + crossed, axis=-3)


NEGATIVE = 8  # ways from here on are negatives
_Scalar = TypeVar("_Scalar", bound=np.generic)


def turn(picture: npt.NDArray[_Scalar], way: int) -> npt.NDArray[_Scalar]:
    """The picture [h, w, ...] turned: 0 as it is, 1 mirrored left-right, 2 turned 180 degrees, 3 mirrored
    top-bottom; 4..7 the same after swapping rows and columns; 8..15 the negatives of 0..7 (uint8 only).
    """
    if way >= NEGATIVE:
        picture, way = np.subtract(255, picture, dtype=picture.dtype), way - NEGATIVE
    if way >= 4:
        picture = np.swapaxes(picture, 0, 1)
    return picture[:: -1 if way % 4 in (2, 3) else 1, :: -1 if way % 4 in (1, 2) else 1]


class _Window(NamedTuple):
    """Part of a picture: centre and size in shares of its sides, turned by `degrees` about the centre."""

    x: float
    y: float
    size: float
    degrees: float


def _nine(size: float) -> list[_Window]:
    places = (size / 2, 0.5, 1 - size / 2)
    return [_Window(x, y, size, 0) for y in places for x in places]


_INDEX = [_Window(0.5, 0.5, 1, 0), *_nine(0.93), *_nine(0.85)]
_QUERY = [_Window(0.5, 0.5, 1, degrees) for degrees in (0, -4, -2, 2, 4)] + [_Window(0.5, 0.5, 0.93, 0)]


def index_views(rgb: Pixels) -> Hashes:
    """What a picture is found by later: uint64[20, 4], the whole, nine windows of 93 % and nine of 85 %, and
    the edges of the whole."""
    return bits(coefficients(_views(rgb, _INDEX)))


VIEWS = len(_INDEX) + 1


def query_views(rgb: Pixels) -> Hashes:
    """What a picture is sought with: uint64[16, 7, 4], by way of `turn`; each whole, tilted, unframed, edges.

    A negative has every frequency but the first reversed, and so every bit of the hash.
    """
    straight = np.swapaxes(bits(dihedral(coefficients(_views(rgb, _QUERY)))), 0, 1)
    return np.concatenate([straight, ~straight])


def edges(rgb: Pixels) -> Floats:
    """How strongly all colours change together, against the neighbourhood: float32[h, w] of uint8[h, w, 3].

    A tone curve that folds leaves it nearly as it was, whatever it does to brightness.
    """
    soft = cv2.GaussianBlur(rgb.astype(np.float32), (0, 0), 1.5)
    half = np.array([-0.5, 0.0, 0.5], dtype=np.float32)
    across, down = cv2.filter2D(soft, -1, half[None]), cv2.filter2D(soft, -1, half[:, None])
    strength = np.sqrt(across**2 + down**2).sum(axis=2)
    return np.asarray(strength / (cv2.GaussianBlur(strength, (0, 0), 16) + 2), dtype=np.float32)


def _views(rgb: Pixels, windows: list[_Window]) -> Floats:
    """The windows as float32[n + 1, 64, 64]; the first is the whole picture, shrunk as PDQ does, and one more
    its edges."""
    scale = min(1.0, 512 / max(rgb.shape[:2]))  # as Meta advises: the hash moves by a bit or two
    size = (max(5, round(rgb.shape[1] * scale)), max(5, round(rgb.shape[0] * scale)))
    middling = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    whole, drawn = shrink(luma(middling)), shrink(edges(middling))
    square = cv2.resize(rgb, (256, 256), interpolation=cv2.INTER_AREA).astype(np.uint8)
    base, aspect = luma(square), rgb.shape[1] / rgb.shape[0]  # a PDQ hash ignores the aspect, a turn must not
    return np.stack([whole, *(_view(base, window, aspect) for window in windows[1:]), drawn])


def _view(base: Floats, window: _Window, aspect: float) -> Floats:
    cosine = math.cos(math.radians(window.degrees))
    sine = math.sin(math.radians(window.degrees))
    step = 2 * window.size * np.array([[cosine, -sine / aspect], [sine * aspect, cosine]])
    centre = np.array([window.x, window.y]) * 256 - 0.5
    map_back = np.column_stack([step, centre - step @ np.array([63.5, 63.5])])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(base, map_back, (128, 128), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    small: Floats = warped.reshape(64, 2, 64, 2).mean(axis=(1, 3), dtype=np.float32)
    return small
