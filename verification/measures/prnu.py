"""Sensor noise: what of a photo's noise comes from its camera, and whether photos share a camera.

Every photosite answers light a little more or less than its neighbours, the same way in each picture
(photo-response non-uniformity). The residual of a picture, the picture less a denoised copy of itself,
holds that pattern times the light, under much else. Row and column means of each mosaic phase, which
cameras of a kind share, are taken out. A camera's fingerprint is the mean of its pictures' residuals; a
picture is compared with it by the signed peak-to-correlation energy (PCE) at no shift.

The denoiser is a local Wiener filter on one fine band: measured beside three bands, spectral whitening and
plain Wiener filters, it kept most of the pattern (24 photographs through a simulated sensor).
A residual is kept in two bits a pixel (sign, and large or small: Lloyd and Max's levels of a normal
variable), 256 KB a picture.

It links, it proves nothing: whoever has enough pictures of a camera can paint its fingerprint into any
picture (the test does, and it scores higher than the camera itself), and some makers' processing makes
different phones alike (Iuliani, Fontani & Piva 2021).

Source: Lukas, Fridrich & Goljan 2006 (IEEE TIFS 1(2)); Chen, Fridrich, Goljan & Lukas 2008 (zero mean);
Goljan, Fridrich & Filler 2009 (PCE); Mihcak et al. 1999 (local Wiener filter).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from verification.picture import Grain

Floats: TypeAlias = npt.NDArray[np.float32]

SIDE = 1024  # of the square in the picture's middle
_NOISE = 3.0  # variance taken as noise, grey levels squared
_WINDOWS = (3, 5, 7, 9)
_DARK, _BRIGHT = 12.0, 250.0  # grey levels beyond which a photosite says nothing
_USABLE = 0.4  # share of the square that must lie between
_SMALL, _LARGE, _BETWEEN = 0.45, 1.51, 0.98  # Lloyd-Max: two levels a side, in standard deviations
_NEAR = 5  # pixels about the peak left out of the energy, as in the paper


@dataclass(frozen=True, slots=True)
class NoisePrint:
    """One picture's residual, in two bits a pixel.

    Attributes:
        frame: "4032x3024", the picture's size as stored: only prints of one frame can be compared.
        packed: SIDE * SIDE signs, then as many magnitudes (`np.packbits`); see `unpacked`.
    """

    frame: str
    packed: bytes


def noise_print(grain: Grain) -> NoisePrint | None:
    """A picture's print; None when it is smaller than SIDE, mostly black or burnt out, or flat."""
    found = residual(grain)
    if found is None:
        return None
    large = np.abs(found) > _BETWEEN * found.std()
    packed = np.concatenate([np.packbits(found > 0), np.packbits(large)]).tobytes()
    return NoisePrint(f"{grain.width}x{grain.height}", packed)


def unpacked(packed: bytes) -> Floats:
    """float32[SIDE, SIDE] in standard deviations."""
    positive, large = np.unpackbits(np.frombuffer(packed, np.uint8)).reshape(2, SIDE, SIDE)
    levels = np.array([-_SMALL, -_LARGE, _SMALL, _LARGE], np.float32)
    return np.asarray(levels[2 * positive + large])


def residual(grain: Grain) -> Floats | None:
    """float32[SIDE, SIDE], mean 0: the noise of the picture's middle; None as in `noise_print`."""
    if min(grain.ycbcr.shape[:2]) < SIDE:
        return None
    plane = grain.luminance
    usable = (plane > _DARK) & (plane < _BRIGHT)
    if usable.mean() < _USABLE:
        return None
    found = zero_mean(np.where(usable, noise(plane), 0).astype(np.float32))
    return found if found.std() > 1e-3 else None


def noise(plane: Floats) -> Floats:
    """What the denoiser takes away, float32[h, w]: of the fine band the share that is no structure."""
    band = plane - cv2.GaussianBlur(plane, (0, 0), 1.2)
    squares = band * band
    local = np.min([cv2.blur(squares, (side, side)) for side in _WINDOWS], axis=0)
    return np.asarray(band * (_NOISE / (np.maximum(local - _NOISE, 0) + _NOISE)), np.float32)


def zero_mean(plane: Floats) -> Floats:
    """Without the means of its columns and rows, each of the four mosaic phases for itself."""
    out = plane.copy()
    for y in (0, 1):
        for x in (0, 1):
            part = out[y::2, x::2]
            part -= part.mean(axis=0, keepdims=True)
            part -= part.mean(axis=1, keepdims=True)
    return out


def fingerprint(prints: Sequence[bytes]) -> Floats:
    """float32[SIDE, SIDE]: the mean of one or more pictures' prints, of one camera and frame."""
    total = unpacked(prints[0])
    for packed in prints[1:]:
        total += unpacked(packed)
    return total / np.float32(len(prints))


def pce(pattern: Floats, found: Floats) -> float:
    """Signed peak-to-correlation energy of two residuals at no shift.

    About 0 +- 15 for different cameras; from 60 on the papers count a false alarm in 40,000.
    """
    product = np.fft.rfft2(pattern) * np.conj(np.fft.rfft2(found))
    correlation = np.fft.irfft2(product, s=pattern.shape)
    peak = float(correlation[0, 0])
    near = np.arange(-_NEAR, _NEAR + 1)
    squares = correlation**2
    rest = float(squares.sum() - squares[np.ix_(near, near)].sum())
    energy = rest / (squares.size - near.size**2)
    return float(np.sign(peak)) * peak * peak / energy if energy > 0 else 0.0
