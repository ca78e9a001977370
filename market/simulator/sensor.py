"""From light to a file, as a phone does it: lens, sensor noise, colour filter, tone, sharpening, JPEG.

The order is a phone's own. Noise is born before the colour filter is interpolated, so that the
rendered pictures have the neighbour correlations of a camera and not of a paint program.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.geo import Spot
from market.simulator.isp import Conditions, Phone

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

_GREEN_LEVEL = 0.9  # of full well; what is brighter clips
_CLIPS_AT = 1.1  # of that level, before noise
_RASTER = 1280  # columns of the sensor that a phone's pattern is drawn on
_WEB_QUALITY = 92  # canvas.toBlob("image/jpeg")'s own in Chromium


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
    return np.asarray(cv2.LUT(picture, table.astype(np.float32)), np.float32)


def to_srgb(light: Floats) -> Picture:
    """sRGB uint8 from linear light 0..1."""
    levels = cv2.LUT(np.asarray(np.clip(light, 0, 1) * 65535, np.uint16), _tone(0.0))
    return np.asarray(cv2.convertScaleAbs(levels, alpha=255), np.uint8)


def expose(
    light: Floats,
    rng: np.random.Generator,
    phone: Phone | None = None,
    conditions: Conditions | None = None,
) -> Picture:
    """The phone's picture (sRGB uint8) of linear light float32 [h, w, 3], h and w even."""
    phone, conditions = phone or Phone(), conditions or Conditions()
    height, width = light.shape[:2]
    gain, ceiling, full = _sensor(phone, conditions, (width, height))
    electrons = _mosaic(light)
    electrons *= gain
    np.maximum(electrons, 0, out=electrons)
    np.minimum(electrons, ceiling, out=electrons)
    electrons += cv2.sqrt(electrons + np.float32(phone.read_noise**2)) * normal(electrons.shape, rng)
    counts = np.clip(electrons * np.float32(65535 / full), 0, 65535).astype(np.uint16)
    # RGGB in our layout is what OpenCV calls BayerBG.
    colour = cv2.demosaicing(counts, cv2.COLOR_BayerBG2RGB)
    return _develop(np.asarray(colour, np.uint16), phone, conditions)


@lru_cache(maxsize=4)
def _sensor(phone: Phone, conditions: Conditions, size: tuple[int, int]) -> tuple[Floats, Floats, float]:
    """What stays from picture to picture: electrons that each pixel makes of light 1 behind its colour
    filter and the lens, and the most it counts, float32 [h, w]; and electrons at the top of the scale."""
    width, height = size
    full = phone.full_well / conditions.gain * _GREEN_LEVEL
    electrons = np.full((height, width), full, np.float32)
    if phone.prnu:
        electrons *= pattern(phone, size)
    gain = electrons * np.float32(conditions.exposure) * _vignette(height, width, phone.vignette)
    gain[0::2, 0::2] *= np.float32(phone.red_gain)
    gain[1::2, 1::2] *= np.float32(phone.blue_gain)
    return gain, electrons * np.float32(_CLIPS_AT), full


def normal(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """N(0, 1), float32: OpenCV's generator, several times as fast as numpy's, seeded by `rng`."""
    drawn = np.empty((shape[0], int(np.prod(shape[1:]))), np.float32)  # one channel: all have one spread
    cv2.setRNGSeed(int(rng.integers(2**31)))
    cv2.randn(drawn, np.zeros(1), np.ones(1))
    return drawn.reshape(shape)


@lru_cache(maxsize=8)
def pattern(phone: Phone, size: tuple[int, int]) -> Floats:
    """Gain of each of the sensor's pixels, about 1, float32 [h, w]: this phone's own and the same for ever
    (photo-response non-uniformity: Lukas, Fridrich & Goljan, IEEE TIFS 1(2), 2006).

    The pattern is drawn at _RASTER columns; pictures of other sizes are binned or interpolated from it.
    """
    rows = round(_RASTER * size[1] / size[0] / 2) * 2
    drawn = _raster(phone.seed, rows)
    if size != (_RASTER, rows):
        how = cv2.INTER_AREA if size[0] < _RASTER else cv2.INTER_LINEAR
        drawn = np.asarray(cv2.resize(drawn, size, interpolation=how), np.float32)
    return np.asarray(1 + np.float32(phone.prnu) * drawn, np.float32)


@lru_cache(maxsize=4)
def _raster(seed: int, rows: int) -> Floats:
    return normal((rows, _RASTER), np.random.default_rng((seed, 0x9121)))


def finish(picture: Picture, mode: str, rng: np.random.Generator, exif: Exif | None = None) -> bytes:
    """The file that leaves the phone: the one last step of honest pictures and of cheats alike.

    Args:
        mode: "web": what a page's canvas gives, quality 92 and no EXIF; "native": a camera app's file,
            with EXIF (`exif`, or an empty phone's own) and a quality of 88..95 drawn from `rng`.

    Raises:
        ValueError: another mode.
    """
    if mode == "web":
        return encode(picture, quality=_WEB_QUALITY)
    if mode == "native":
        return encode(picture, quality=int(rng.integers(88, 96)), exif=exif or Exif())
    raise ValueError(f"mode is web or native, not {mode!r}")


def encode(picture: Picture, *, quality: int = 92, exif: Exif | None = None) -> bytes:
    """A baseline 4:2:0 JPEG of sRGB uint8 [h, w, 3], with the phone's EXIF when given."""
    out = io.BytesIO()
    tags = _tags(exif) if exif else Image.Exif()
    Image.fromarray(picture).save(out, "JPEG", quality=quality, subsampling="4:2:0", exif=tags)
    return out.getvalue()


@lru_cache(maxsize=8)
def _vignette(height: int, width: int, depth: float) -> Floats:
    """Fall-off of the lens: 1 in the middle, 1 - depth in the corners, float32 [h, w]."""
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    return np.asarray(1 - np.float32(depth) * (0.5 * (x * x + y * y)) ** 1.5, np.float32)


def _mosaic(light: Floats) -> Floats:
    """One colour a pixel, in the RGGB order, float32 [h, w]."""
    raw = cv2.extractChannel(light, 1)
    raw[0::2, 0::2] = light[0::2, 0::2, 0]
    raw[1::2, 1::2] = light[1::2, 1::2, 2]
    return np.asarray(raw, np.float32)


@lru_cache(maxsize=8)
def _tone(contrast: float) -> Floats:
    """The tone curve as a table: sRGB's and an S-curve on it, float32 [65536]."""
    light = np.linspace(0, 1, 65536)
    tone = np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-6) ** (1 / 2.4) - 0.055)
    return np.asarray(np.clip(tone + 2 * contrast * tone * (1 - tone) * (2 * tone - 1), 0, 1), np.float32)


def _develop(counts: NDArray[np.uint16], phone: Phone, conditions: Conditions) -> Picture:
    """Tone curve, chroma smoothing, denoising and sharpening of demosaiced counts uint16 [h, w, 3]."""
    ycc = cv2.cvtColor(cv2.LUT(counts, _tone(phone.contrast)), cv2.COLOR_RGB2YCrCb)
    luma, *chroma = cv2.split(ycc)
    smooth = phone.chroma_blur * (1 + conditions.denoise)
    chroma = [cv2.GaussianBlur(plane, (0, 0), smooth) for plane in chroma]
    soft = cv2.GaussianBlur(luma, (0, 0), 1.2)
    luma += np.float32(phone.sharpen * (1 - conditions.denoise) - conditions.denoise) * (luma - soft)
    rgb = cv2.cvtColor(cv2.merge([luma, *chroma]), cv2.COLOR_YCrCb2RGB)
    return np.asarray(cv2.convertScaleAbs(np.maximum(rgb, 0), alpha=255), np.uint8)


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
