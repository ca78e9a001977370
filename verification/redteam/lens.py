"""The red team's hold on the simulated camera: who shoots what, how large, and the one file writer.

Honest captures and cheats leave through the same `finish`, so that no encoder, size or EXIF block tells
them apart.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageOps

from core.geo import Spot
from market.simulator.camera import film, render
from market.simulator.isp import Conditions, Phone, draw_conditions, draw_phone, isp_ranges
from market.simulator.motion import Motion, motion_csv
from market.simulator.scene import Relief, Scene, relief
from market.simulator.sensor import Exif, encode
from market.simulator.sensor import finish as written
from market.simulator.sheet import Sheet, make_sheet
from verification.evidence import Burst
from verification.redteam.photographs import Photograph, Pixels

SIZE = (1024, 768)  # of the photo, pixels; the bases are seldom larger
FRAME = (640, 480)
FRAMES, FPS = 26, 8.0  # 3.25 s: two turns there and back and a step aside take a person so long
_OVERSCAN = (1.6, 1.5)  # the part of a flat source that a panning phone may see, in pictures
_PHONES = ("Spotcheck S1", "Spotcheck S2", "Spotcheck M1", "Spotcheck M3")


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture before it is a file, and what was seen and felt around it (nothing, at tier 0)."""

    rgb: Pixels
    frames: tuple[Pixels, ...] = ()
    motion: Motion | None = None

    def burst(self, mode: str) -> Burst | None:
        """As the phone hands it in."""
        if not self.frames:
            return None
        times = tuple(round(float(t), 4) for t in self.motion.times) if self.motion else ()
        felt = motion_csv(self.motion, mode) if self.motion else ""
        return Burst(tuple(encode(frame, quality=85) for frame in self.frames), times, felt)


@dataclass(frozen=True, slots=True)
class Camera:
    """One simulated phone in one light: its name in EXIF, its optics and sensor."""

    model: str
    phone: Phone
    conditions: Conditions

    @classmethod
    def draw(cls, rng: np.random.Generator, ranges: str) -> Camera:
        """Somebody's phone; `ranges` "calibration" or "reported" share no parameter."""
        kind = str(rng.choice(["indoor", "outdoor"]))
        phone = draw_phone(int(rng.integers(2**31)), isp_ranges(ranges))
        return cls(_PHONES[int(rng.integers(len(_PHONES)))], phone, draw_conditions(kind, rng))

    @property
    def focal(self) -> float:
        """Pixels, in the photo."""
        return self.phone.focal * SIZE[0]

    def sheet(self, code: str, rng: np.random.Generator) -> Sheet | None:
        """A sheet with the code, held before the phone; None without a code."""
        return make_sheet(code, False, self.focal, SIZE, rng) if code else None

    def relief(self, rgb: Pixels) -> Relief:
        """The scene of a photograph, with depth."""
        return relief(rgb, SIZE, self.focal, _OVERSCAN)

    def film(
        self, scene: Scene, motion: Motion, rng: np.random.Generator, sheet: Sheet | None = None
    ) -> Shot:
        """Photo and burst of a scene by a phone that moves so; the photo is of one of the first moments."""
        seed, k = int(rng.integers(2**32)), int(rng.integers(3))
        frames = film(
            scene,
            motion,
            np.random.default_rng(seed),  # the same light on the sheet in both
            sheet=sheet,
            size=FRAME,
            phone=self.phone,
            conditions=self.conditions,
        ).frames
        shot = self.photo(scene, moment(motion, k), np.random.default_rng(seed), sheet)
        return Shot(shot.rgb, tuple(frames), motion)

    def photo(
        self, scene: Scene, motion: Motion, rng: np.random.Generator, sheet: Sheet | None = None
    ) -> Shot:
        """The photo alone."""
        shot = film(scene, motion, rng, sheet=sheet, size=SIZE, phone=self.phone, conditions=self.conditions)
        return Shot(shot.frames[0])


def moment(motion: Motion, k: int) -> Motion:
    """One moment of a motion."""
    here = slice(k, k + 1)
    return replace(
        motion,
        rotations=motion.rotations[here],
        shifts=motion.shifts[here],
        rates=motion.rates[here],
        times=motion.times[here],
    )


def finish(
    rgb: Pixels, mode: str, camera: Camera, rng: np.random.Generator, at: datetime, spot: Spot
) -> bytes:
    """The file: as a web page saves it (no EXIF) or as a camera app does, with its local time and GPS."""
    local = at + timedelta(hours=round(spot.lon / 15))
    return written(rgb, mode, rng, Exif(model=camera.model, taken_at=local, spot=spot))


def shrunk(rgb: Pixels) -> Pixels:
    """A picture at the size of a burst's frame."""
    return np.asarray(cv2.resize(rgb, FRAME, interpolation=cv2.INTER_AREA), np.uint8)


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
