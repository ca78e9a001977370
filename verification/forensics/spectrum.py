"""Periodic peaks in a picture's fine detail: the pixel grid of a screen, or its moire.

The detail (luminance less its blur, clipped so that edges do not rule) is cut into tiles. In a tile's
power spectrum each frequency is compared with the mean of its ring (same radius) and with its own
surroundings: a peak stands above both, a long edge's streak only above the ring. A screen's pixels are
square, so its grid peaks at a frequency *and* at that frequency turned by 90 degrees, also after
aliasing (turning maps the sampling lattice onto itself); a barcode or a fence peaks in one direction.
Averaged over the tiles, since a screen fills the picture and an honest texture seldom does.

Left out: both axes (straight edges, sensor rows), harmonics of JPEG's 8-pixel grid, low frequencies.
Source: peaks against a background of the same radius, Garcia & de Queiroz 2015 (IEEE TIFS, "Face-spoofing 2D-
detection based on Moire-pattern analysis"); ring means instead of their filters for speed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]

TILE = 256
_CLIP = 12.0  # grey levels
_FLAT = 0.3  # standard deviation of a tile's detail below which it says nothing
_TURNED = 0.5  # weight of the peak at the frequency turned by 90 degrees


class _Rings(NamedTuple):
    """Fixed arrays of a tile's spectrum, zero frequency in the middle."""

    window: Floats
    ring: npt.NDArray[np.int64]
    counts: npt.NDArray[np.float64]
    counted: npt.NDArray[np.bool_]


def peaks(luminance: Floats) -> float | None:
    """How far the strongest periodic peak stands out, in nats of power, over the mean of all tiles.

    Noise alone gives about 2; a screen whose pixel grid is resolved gives 4 to 6.

    Args:
        luminance: float32[h, w] at native resolution, 0..255.

    Returns:
        None when the picture is smaller than a tile or flat everywhere.
    """
    detail = np.clip(luminance - cv2.GaussianBlur(luminance, (0, 0), 1.5), -_CLIP, _CLIP)
    found = [_tile_peak(tile) for tile in tiles(detail, TILE) if tile.std() >= _FLAT]
    return float(np.mean(found)) if found else None


def tiles(plane: Floats, side: int) -> list[Floats]:
    """The whole squares of `side` pixels that fit, about the middle."""
    down, across = plane.shape[0] // side, plane.shape[1] // side
    top, left = (plane.shape[0] - down * side) // 2, (plane.shape[1] - across * side) // 2
    inner = plane[top : top + down * side, left : left + across * side]
    return [row for band in np.split(inner, down) for row in np.split(band, across, 1)] if inner.size else []


def _tile_peak(tile: Floats) -> float:
    rings = _rings()
    seen = np.fft.fftshift(np.fft.fft2(tile * rings.window))
    power: Floats = np.asarray(cv2.blur(np.abs(seen).astype(np.float32) ** 2, (3, 3)), np.float32)
    means = np.bincount(rings.ring.ravel(), power.ravel(), TILE) / np.maximum(rings.counts, 1)
    wide, narrow = cv2.blur(power, (15, 15)), cv2.blur(power, (7, 7))
    around = (wide * 225 - narrow * 49) / (225 - 49)  # the surroundings without the peak itself
    background = np.maximum(means[rings.ring], around)
    above = np.where(rings.counted, np.log((power + 1e-3) / (background + 1e-3)), -1)
    near = cv2.dilate(above.astype(np.float32), np.ones((7, 7), np.uint8))  # perspective moves peaks a little
    turned = np.roll(np.rot90(near), (1, 0), (0, 1))  # about the zero frequency, at TILE / 2
    return float((near + _TURNED * turned).max())


@lru_cache(maxsize=1)
def _rings() -> _Rings:
    window = np.outer(np.hanning(TILE), np.hanning(TILE)).astype(np.float32)
    frequency = (np.arange(TILE) - TILE // 2) / TILE
    down, across = frequency[:, None], frequency[None, :]
    radius = np.hypot(down, across)
    ring = np.minimum((radius * TILE).astype(np.int64), TILE - 1)
    off_axes = (np.abs(down) > 2.5 / TILE) & (np.abs(across) > 2.5 / TILE)
    grid = _eighth(down) & _eighth(across)
    counted = off_axes & ~grid & (radius > 0.06) & (radius < 0.5)
    counts = np.bincount(ring.ravel(), minlength=TILE).astype(np.float64)
    return _Rings(window, ring, counts, counted)


def _eighth(frequency: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Whether a frequency (cycles a pixel) is a harmonic of 1/8."""
    return np.abs(frequency * 8 - np.round(frequency * 8)) / 8 < 1.5 / TILE
