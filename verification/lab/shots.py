"""One picture to learn from or to measure on: taken of a scene, of a screen or of a print, fed or made up.

All leave through one file writer at one set of sizes, so that no size, table or EXIF tells them apart. The
photographs are those of the red team's calibration split alone, so that nothing it reports was learnt from;
a part of what stands before the camera is drawn (`lab.drawn`), and half the photographs are cut, not scaled.
Displays and phones come in two regions: `seen` may be learnt from, `held` is measured on only, and is what
the red team reports with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from market.simulator.camera import film
from market.simulator.flat import printed, screen
from market.simulator.forged import composited, retouched, spliced, virtual_camera
from market.simulator.isp import Conditions, Phone, draw_conditions, draw_phone, isp_ranges
from market.simulator.motion import Motion, hold
from market.simulator.scene import Scene, relief
from market.simulator.sensor import Exif, finish
from market.simulator.sheet import make_sheet
from verification.codes import new_code
from verification.evidence import Json
from verification.lab.drawn import page
from verification.redteam.photographs import Photograph, Pixels

Mask: TypeAlias = npt.NDArray[np.uint8]

SIZES = ((1024, 768), (1280, 960), (1600, 1200))
KINDS = ("camera", "photo", "photo_fed", "screen", "print", "ai", "ai_fed", "spliced", "retouched")
RECAPTURED, FED = {"screen", "print"}, {"photo_fed", "ai_fed"}  # fed: through a virtual camera
MADE, ALTERED = {"ai", "ai_fed"}, {"spliced", "retouched"}
PITCHES: Mapping[
    str, Mapping[str, tuple[tuple[float, float], ...]]
] = {  # pixels of the photo a screen pixel, and a halftone cell
    "seen": {"screen": ((0.7, 1.2), (2.6, 4.5), (4.5, 8.0)), "print": ((1.2, 2.0), (3.4, 5.5))},
    "held": {"screen": ((1.2, 2.6),), "print": ((2.0, 3.4),)},
}
_PHONES = {"seen": "calibration", "held": "reported"}
_DRAWN = 0.25  # of what a camera takes, whether a scene, a screen or a print
_CRISP_FROM = 2.6  # pixels of the photo a pixel of the screen: from there on its own letters are seen
_SHARPENED = (0.0, 1.6)  # of half of all pictures, beyond what the phone's own developing does
_SOFT = (0.0, 2.2)  # pixels of defocus, of half the pictures: there no grid is left
_OVERSCAN = (1.14, 1.14)


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A file, and what is true of it.

    Attributes:
        jpeg: as it would be handed in.
        mask: uint8[h, w], 1 where the picture was altered; None where it was not.
        facts: kind, base, region, pitch, defocus, size, mode and phone.
    """

    jpeg: bytes
    mask: Mask | None
    facts: dict[str, Json]


def shoot(kind: str, region: str, base: Photograph, donor: Photograph, rng: np.random.Generator) -> Shot:
    """A picture of that kind of what the base shows; `donor` lends what is spliced in."""
    size = SIZES[int(rng.integers(len(SIZES)))]
    phone = draw_phone(int(rng.integers(2**31)), isp_ranges(_PHONES[region]))
    conditions = draw_conditions(str(rng.choice(["indoor", "outdoor"])), rng)
    if rng.random() < 0.5:
        conditions = replace(conditions, defocus=float(rng.uniform(*_SOFT)))
    mode = str(rng.choice(["web", "native"]))
    pitch = _pitch(kind, region, rng) if kind in RECAPTURED else None
    picture, mask = _made(kind, base, donor, rng, _Bench(size, phone, conditions, pitch))
    if rng.random() < 0.5:
        picture = _sharpened(picture, float(rng.uniform(*_SHARPENED)), float(rng.uniform(0.6, 1.2)))
    facts: dict[str, Json] = {
        "kind": kind,
        "base": base.id,
        "source": base.source,
        "region": region,
        "pitch": pitch,
        "defocus": round(conditions.defocus, 2) if kind in {"camera", *RECAPTURED, *FED} else None,
        "size": list(size),
        "mode": mode,
    }
    return Shot(finish(picture, mode, rng, Exif()), mask, facts)


@dataclass(frozen=True, slots=True)
class _Bench:
    """The phone, the light and the size of one shot; `pitch` of the screen or print before it."""

    size: tuple[int, int]
    phone: Phone
    conditions: Conditions
    pitch: float | None

    def taken(self, scene: Scene, rng: np.random.Generator) -> Pixels:
        """A photograph of the scene by a hand that holds still, with or without the sheet before it."""
        focal, code = self.phone.focal * self.size[0], _code(rng)
        sheet = make_sheet(code, bool(rng.random() < 0.5), focal, self.size, rng) if code else None
        shot = film(
            scene,
            _held(rng),
            rng,
            sheet=sheet,
            size=self.size,
            phone=self.phone,
            conditions=self.conditions,
        )
        return shot.frames[0]

    def scene(self, rgb: Pixels) -> Scene:
        """What the photograph shows, with a depth of its own."""
        return relief(rgb, self.size, self.phone.focal * self.size[0], _OVERSCAN)

    def fitted(self, photo: Photograph, rng: np.random.Generator) -> Pixels:
        """The photograph itself at the size of a capture: scaled or, where it is large enough, every other
        time a part of it, as sharp or soft as its own camera left it."""
        whole, (wide, high) = Image.fromarray(photo.rgb), self.size
        if whole.width >= wide and whole.height >= high and rng.random() < 0.5:
            left, top = (int(rng.integers(room + 1)) for room in (whole.width - wide, whole.height - high))
            whole = whole.crop((left, top, left + wide, top + high))
        return np.asarray(ImageOps.fit(whole, self.size, Image.Resampling.LANCZOS), np.uint8)


def _made(
    kind: str, base: Photograph, donor: Photograph, rng: np.random.Generator, bench: _Bench
) -> tuple[Pixels, Mask | None]:
    focal, pitch, fill = bench.phone.focal, bench.pitch or 1.0, float(rng.uniform(1.1, 1.6))
    if rng.random() >= _DRAWN:
        seen = base.rgb
    elif kind == "screen" and pitch >= _CRISP_FROM:
        wide, high = (round(fill * side / pitch) for side in bench.size)
        seen = page(rng, (wide, high), crisp=True)
    else:
        seen = page(rng)
    if kind == "camera":
        return bench.taken(bench.scene(seen), rng), None
    if kind in RECAPTURED:
        if kind == "screen":
            shown = screen(seen, rng, focal=focal, size=bench.size, pitch=pitch, fill=fill)
        else:
            shown = printed(seen, rng, focal=focal, size=bench.size, pitch=pitch, fill=fill)
        return bench.taken(shown, rng), None
    whole = bench.fitted(base, rng)
    if kind in FED | MADE and (code := _code(rng)):
        whole = composited(whole, code, rng, care=float(rng.uniform(0.5, 1)))
    if kind in FED:
        shot = virtual_camera(
            whole, _held(rng), rng, care=float(rng.uniform(0, 1)), size=bench.size, phone=bench.phone
        )
        return shot.frames[0], None
    if kind in ALTERED:
        feather = float(rng.uniform(0.5, 3))
        other = bench.fitted(donor, rng)
        whole = bench.taken(bench.scene(base.rgb), rng) if rng.random() < 0.5 else whole
        done = retouched(whole, rng) if kind == "retouched" else spliced(whole, other, rng, feather=feather)
        return done, _changed(whole, done)
    return whole, None


def _sharpened(picture: Pixels, share: float, blur: float) -> Pixels:
    """With so much of what a blur of that many pixels takes away added once more: an unsharp mask."""
    soft = cv2.GaussianBlur(picture, (0, 0), blur)
    return np.asarray(cv2.addWeighted(picture, 1 + share, soft, -share, 0), np.uint8)


def _changed(before: Pixels, after: Pixels) -> Mask:
    """1 where more than rounding differs, holes closed, uint8[h, w]."""
    differs = (np.abs(before.astype(np.int16) - after).max(axis=2) > 2).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(differs, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8)), np.uint8)


def _code(rng: np.random.Generator) -> str:
    """What stands on the sheet, of every other picture; else nothing: a sheet tells no kind from another."""
    source = Random(int(rng.integers(2**32)))  # noqa: S311 - a picture to learn from, no secret
    return new_code(source) if source.random() < 0.5 else ""


def _held(rng: np.random.Generator) -> Motion:
    """One moment of a hand that holds still."""
    return hold(1, 10, rng)


def _pitch(kind: str, region: str, rng: np.random.Generator) -> float:
    slices = PITCHES[region][kind]
    low, high = slices[int(rng.integers(len(slices)))]
    return round(float(np.exp(rng.uniform(np.log(low), np.log(high)))), 3)
