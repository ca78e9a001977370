"""The red team's hold on the simulated camera: who shoots, how large, and the one file writer.

Honest captures and cheats leave through the same `finish`, so that no encoder, size or EXIF block tells
them apart.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
from PIL import Image, ImageOps

from core.geo import Spot
from market.simulator.camera import render
from market.simulator.sensor import Exif, encode
from verification.evidence import Burst
from verification.redteam.photographs import Photograph, Pixels

SIZE = (1024, 768)  # of the photo, pixels; the bases are seldom larger
_PHONES = (
    ("Simulated", "Spotcheck S1", 92),
    ("Simulated", "Spotcheck S2", 94),
    ("Simulated", "Spotcheck M1", 90),
    ("Simulated", "Spotcheck M3", 95),
)  # make, model, JPEG quality of its camera app
_WEB_QUALITY = 92  # what browsers' canvas.toBlob writes unless told


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture before it is a file, and what was seen and felt around it."""

    rgb: Pixels
    burst: Burst | None = None


@dataclass(frozen=True, slots=True)
class Camera:
    """One simulated phone: its name in EXIF, and the quality of its own app's JPEG."""

    make: str
    model: str
    quality: int

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Camera:
        """Somebody's phone."""
        return cls(*_PHONES[int(rng.integers(len(_PHONES)))])

    def shoot(self, scene: Pixels, *, code: str, burst: bool, rng: np.random.Generator) -> Shot:
        """The phone before a scene uint8[h, w, 3]."""
        seed = int(rng.integers(2**32))
        shot = render(scene, code=code or None, seed=seed, size=SIZE)
        return Shot(shot.frames[0], None)


def finish(rgb: Pixels, mode: str, camera: Camera, at: datetime, spot: Spot) -> bytes:
    """The file: as a web page saves it (no EXIF) or as a camera app does."""
    if mode == "web":
        return encode(rgb, quality=_WEB_QUALITY)
    local = at + timedelta(hours=round(spot.lon / 15))
    exif = Exif(make=camera.make, model=camera.model, taken_at=local, spot=spot)
    return encode(rgb, quality=camera.quality, exif=exif)


@lru_cache(maxsize=256)
def still(photo: Photograph) -> Pixels:
    """An honest picture of a scene without a sheet, the same each time: for cheats not in the pixels."""
    seed = zlib.crc32(photo.id.encode())
    return render(photo.rgb, code=None, seed=seed, size=SIZE).frames[0]


@lru_cache(maxsize=64)
def cut(photo: Photograph) -> Pixels:
    """The photograph itself at the size of a capture: its middle, uint8[768, 1024, 3]."""
    fitted = ImageOps.fit(Image.fromarray(photo.rgb), SIZE, Image.Resampling.LANCZOS)
    return np.asarray(fitted, np.uint8)
