"""From light to a file, as a phone does it: lens, sensor noise, colour filter, tone, sharpening, JPEG.

The order is a phone's own. Noise is born before the colour filter is interpolated, so that the
rendered pictures have the neighbour correlations of a camera and not of a paint program.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.geo import Spot

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

_FULL_WELL = 5200.0  # electrons at white, at the gain a phone uses indoors
_READ_NOISE = 4.0  # electrons
_GREEN_LEVEL = 0.9  # of full well; what is brighter clips


@dataclass(frozen=True, slots=True)
class Exif:
    """What a phone writes into its file besides the picture."""

    make: str = "Simulated"
    model: str = "Spotcheck S1"
    taken_at: datetime | None = None
    spot: Spot | None = None


def to_light(picture: Picture) -> Floats:
    """Linear light 0..1 from sRGB uint8 [h, w, 3]."""
    levels = np.arange(256, dtype=np.float64) / 255
    table = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return table.astype(np.float32)[picture]


def expose(light: Floats, rng: np.random.Generator) -> Picture:
    """The phone's picture (sRGB uint8) of linear light float32 [h, w, 3], h and w even."""
    lit = light * _vignette(light.shape[0], light.shape[1], rng.uniform(0.12, 0.28))
    raw = _mosaic(np.clip(lit, 0, 1.1))
    electrons = np.maximum(raw, 0) * _FULL_WELL * _GREEN_LEVEL
    noise = np.sqrt(electrons + _READ_NOISE**2) * rng.standard_normal(raw.shape, np.float32)
    counts = np.clip((electrons + noise) / (_FULL_WELL * _GREEN_LEVEL), 0, 1)
    # RGGB in our layout is what OpenCV calls BayerBG.
    colour = cv2.demosaicing((counts * 65535).astype(np.uint16), cv2.COLOR_BayerBG2RGB)
    return _develop(np.asarray(colour / 65535, np.float32), rng)


def encode(picture: Picture, *, quality: int = 92, exif: Exif | None = None) -> bytes:
    """A baseline 4:2:0 JPEG of sRGB uint8 [h, w, 3], with the phone's EXIF when given."""
    out = io.BytesIO()
    tags = _tags(exif) if exif else Image.Exif()
    Image.fromarray(picture).save(out, "JPEG", quality=quality, subsampling="4:2:0", exif=tags)
    return out.getvalue()


def _vignette(height: int, width: int, depth: float) -> Floats:
    """Fall-off of the lens: 1 in the middle, 1 - depth in the corners, float32 [h, w, 1]."""
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    fall: Floats = (1 - np.float32(depth) * (0.5 * (x * x + y * y)) ** 1.5).astype(np.float32)
    return fall[..., None]


def _mosaic(light: Floats) -> Floats:
    """One colour a pixel, in the RGGB order, float32 [h, w]."""
    raw = light[..., 1].copy()
    raw[0::2, 0::2] = light[0::2, 0::2, 0]
    raw[1::2, 1::2] = light[1::2, 1::2, 2]
    return raw


def _develop(light: Floats, rng: np.random.Generator) -> Picture:
    """Tone curve, chroma smoothing and sharpening of demosaiced light float32 [h, w, 3]."""
    tone = np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-6) ** (1 / 2.4) - 0.055)
    contrast = np.float32(rng.uniform(0.04, 0.14))
    tone = tone + contrast * tone * (1 - tone) * (2 * tone - 1) * 2
    ycc = cv2.cvtColor(np.clip(tone, 0, 1).astype(np.float32), cv2.COLOR_RGB2YCrCb)
    ycc[..., 1:] = cv2.GaussianBlur(ycc[..., 1:], (0, 0), 1.6)
    soft = cv2.GaussianBlur(ycc[..., 0], (0, 0), 1.2)
    ycc[..., 0] += np.float32(rng.uniform(0.35, 0.8)) * (ycc[..., 0] - soft)
    rgb = cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB)
    return np.asarray(np.round(np.clip(rgb, 0, 1) * 255), np.uint8)


def _tags(exif: Exif) -> Image.Exif:
    """EXIF 2.3 tags: Make 271, Model 272, DateTime 306, DateTimeOriginal 36867, the GPS block."""
    tags = Image.Exif()
    tags[271], tags[272] = exif.make, exif.model
    if exif.taken_at:
        tags[306] = exif.taken_at.strftime("%Y:%m:%d %H:%M:%S")
        tags.get_ifd(0x8769)[36867] = tags[306]
    if exif.spot:
        gps = tags.get_ifd(0x8825)
        gps[1], gps[2] = "N" if exif.spot.lat >= 0 else "S", _sexagesimal(exif.spot.lat)
        gps[3], gps[4] = "E" if exif.spot.lon >= 0 else "W", _sexagesimal(exif.spot.lon)
    return tags


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    """Degrees, minutes, seconds of an absolute angle."""
    whole = abs(degrees)
    minutes = (whole % 1) * 60
    return float(int(whole)), float(int(minutes)), round((minutes % 1) * 60, 2)
