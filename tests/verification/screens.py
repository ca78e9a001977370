"""Simulated photographs, with and without a screen in between: for tests and bench/forensics.py.

The screen: RGB stripes behind a black matrix, gamma 2.2, seen in perspective. The camera: lens blur
(Gaussian), pixel aperture, Bayer mosaic, shot and read noise, edge-aware demosaicing, gamma,
sharpening, JPEG. Stripe coverage is integrated exactly, so the simulation itself adds no aliasing.
"""

from __future__ import annotations

import io
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from verification.picture import Pixels

Floats: TypeAlias = npt.NDArray[np.float32]
_FINE = 2  # samples a camera pixel, each way


def jpeg(rgb: Pixels, quality: int = 92, subsampling: int = 2) -> bytes:
    """As a file; subsampling 2 is 4:2:0."""
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=quality, subsampling=subsampling)
    return out.getvalue()


def linear(rgb: Pixels) -> Floats:
    """Light, 0..1, of gamma-coded pixels."""
    return np.asarray((rgb.astype(np.float32) / 255) ** 2.2, np.float32)


def of_screen(rgb: Pixels, source: np.random.Generator, pitch: float, blur: float, side: int = 768) -> Pixels:
    """A camera's picture, uint8[side, side, 3], of a screen that shows `rgb` pixel by pixel.

    Args:
        pitch: camera pixels a screen pixel.
        blur: standard deviation of the lens, camera pixels.
    """
    angle, lean = np.radians(source.uniform(-15, 15)), source.uniform(-1.2e-4, 1.2e-4, 2)
    y, x = (np.mgrid[0 : side * _FINE, 0 : side * _FINE].astype(np.float32) + 0.5) / _FINE - side / 2
    depth = (1 + lean[0] * x + lean[1] * y) * pitch
    u = (np.cos(angle) * x + np.sin(angle) * y) / depth + rgb.shape[1] / 2 + source.uniform(-20, 20)
    v = (np.cos(angle) * y - np.sin(angle) * x) / depth + rgb.shape[0] / 2 + source.uniform(-20, 20)
    column, row = _mirrored(u, rgb.shape[1]), _mirrored(v, rgb.shape[0])
    shown = linear(rgb) * 0.97 + 0.01 + 0.02 * source.random()
    wide, tall, sample = source.uniform(0.25, 0.32), source.uniform(0.8, 0.95), 1 / _FINE / pitch
    rows = _coverage(v, sample, 0.03, tall)
    light = np.empty((side, side, 3), np.float32)
    for colour in range(3):
        lit = shown[row, column, colour] * rows * _coverage(u, sample, colour / 3 + 0.01, wide)
        lit = cv2.GaussianBlur(lit.astype(np.float32), (0, 0), float(np.hypot(blur, 0.35)) * _FINE)
        light[..., colour] = cv2.resize(lit, (side, side), interpolation=cv2.INTER_AREA)
    return camera(light, source)


def of_scene(rgb: Pixels, source: np.random.Generator, blur: float, side: int = 768) -> Pixels:
    """The same camera on the thing itself: the middle of `rgb` at `side` pixels, even sides."""
    light = linear(rgb)
    scale = max(side / light.shape[0], side / light.shape[1])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    light = cv2.resize(light, None, fx=scale, fy=scale, interpolation=way)[:side, :side].clip(0, 1)
    return camera(cv2.GaussianBlur(light, (0, 0), float(np.hypot(blur, 0.35))).astype(np.float32), source)


def camera(
    light: Floats, source: np.random.Generator, sensor: Floats | None = None, noise: float | None = None
) -> Pixels:
    """Sensor and image processing: float32[h, w, 3] of light to uint8, sides even.

    Args:
        sensor: each photosite's gain, float32[h, w] about 1: its fingerprint.
        noise: standard deviation at full light; drawn from 0.004..0.02 unless told.
    """
    exposed = light / np.percentile(light, 97) * 0.85
    raw = np.empty(light.shape[:2], np.float32)
    for y, x, colour in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        raw[y::2, x::2] = exposed[y::2, x::2, colour]
    if sensor is not None:
        raw = raw * sensor
    strength = source.uniform(0.004, 0.02) if noise is None else noise
    spread = np.sqrt(strength**2 * np.clip(raw, 0, 1) * 0.5 + (strength / 3) ** 2)
    raw = raw + source.normal(0, 1, raw.shape) * spread
    mosaic = (np.clip(raw, 0, 1) * 65535).astype(np.uint16)
    coded = (cv2.cvtColor(mosaic, cv2.COLOR_BAYER_RGGB2RGB_EA).astype(np.float32) / 65535) ** (1 / 2.2)
    sharper = coded + source.uniform(0, 0.8) * (coded - cv2.GaussianBlur(coded, (0, 0), 1.2))
    return np.asarray(np.clip(sharper * 255 + 0.5, 0, 255), np.uint8)


def _coverage(at: Floats, width: float, start: float, duty: float) -> Floats:
    """Share of each sample (of `width` periods) that a stripe [start, start + duty) covers, over duty."""

    def sum_to(end: Floats) -> Floats:
        whole = np.floor(end - start)
        return np.asarray(whole * duty + np.minimum(end - start - whole, duty))

    return np.asarray((sum_to(at + width / 2) - sum_to(at - width / 2)) / width / duty, np.float32)


def _mirrored(at: Floats, length: int) -> npt.NDArray[np.int64]:
    """Pixel numbers, reflected at the borders."""
    number = np.floor(at).astype(np.int64) % (2 * length)
    return np.where(number >= length, 2 * length - 1 - number, number)
