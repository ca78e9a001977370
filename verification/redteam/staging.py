"""What cheats share: stills with the code put in, stills made to move, sensors made to fit or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from market.simulator.flat import Flat, LetFall, Slid, printed, screen
from market.simulator.forged import composited as drawn_in
from market.simulator.forged import virtual_camera
from market.simulator.isp import Conditions, draw_conditions
from market.simulator.motion import Motion, pan
from market.simulator.scene import Scene
from market.simulator.sensor import normal
from verification.redteam.indoors import indoors
from verification.redteam.lens import FPS, FRAME, FRAMES, SIZE, Shot, moment, shrunk
from verification.redteam.photographs import Pixels
from verification.redteam.workshop import GIVEN, Workshop

_PRETENDED_M = (0.5, 3.0)  # how far a still is made to stand that a program moves about
_PLACES, _SOMETHING = 8, 8.0  # tries; grey levels that a thing differs by from what is around it
_PAPER, _INK = (238, 236, 230), (25, 28, 60)


def typed(rgb: Pixels, code: str, rng: np.random.Generator, *, share: float = 0.35) -> Pixels:
    """A picture with the code in a typeface on a white box, drawn upright: what an editor does in a minute.

    Args:
        share: how much of the picture's width the box takes.
    """
    if not code:
        return rgb
    height, width = rgb.shape[:2]
    font = ImageFont.load_default(width * share / 5)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(code))
    pad = round((bottom - top) * 0.5)
    box = Image.new("RGB", (right - left + 2 * pad, bottom - top + 2 * pad), _PAPER)
    ImageDraw.Draw(box).text((pad - left, pad - top), code, font=font, fill=_INK)
    whole = Image.fromarray(rgb)
    at = (
        int(rng.uniform(0.05, 0.9) * max(1, width - box.width)),
        int(rng.uniform(0.4, 0.95) * max(1, height - box.height)),
    )
    whole.paste(box, at)
    return np.asarray(whole, np.uint8)


def composited(workshop: Workshop, rgb: Pixels, care: float | None = None) -> Pixels:
    """A picture at the size of a capture with a handwritten sheet drawn in, in true perspective.

    `care` 0..1 is how well light, shadow, focus and noise fit; a careful hand's (0.75 to 1) unless told.
    """
    held = float(workshop.rng.uniform(0.75, 1)) if care is None else care
    return drawn_in(fitted(rgb), workshop.code or workshop.new_code(), workshop.rng, care=held)


def moved(workshop: Workshop, rgb: Pixels, motion: Motion, *, care: float | None = None) -> Shot:
    """A flat picture made into photo and burst by a program that turns it as `motion` says.

    `care` 0..1: with most of it the program simulates a sensor; 0.7 to 1 unless told.
    """
    held, seed = _careful(workshop, care), int(workshop.rng.integers(2**32))
    photo = _fed(workshop, rgb, moment(motion, 0), SIZE, held, seed)[0]
    frames = _fed(workshop, rgb, motion, FRAME, held, seed) if workshop.tier else []
    return Shot(photo, tuple(frames), motion)


def frozen(
    workshop: Workshop, rgb: Pixels, motion: Motion, *, grain: float = 2.0, taken: bool = False
) -> Shot:
    """A still fed to the camera as a clip: each frame is the same picture, with some noise of its own.

    The photo goes through a simulated sensor, so that its file is like everybody's; a picture that was
    `taken` by one already is left as it is.
    """
    photo = rgb
    if not taken:
        seed = int(workshop.rng.integers(2**32))
        photo = _fed(workshop, rgb, moment(motion, 0), SIZE, _careful(workshop, None), seed)[0]
    if workshop.tier == 0:
        return Shot(photo)
    small = shrunk(photo).astype(np.float32)
    frames = (small + np.float32(grain) * normal(small.shape, workshop.rng) for _ in range(FRAMES))
    return Shot(photo, tuple(np.clip(frame, 0, 255).astype(np.uint8) for frame in frames), motion)


def _careful(workshop: Workshop, care: float | None) -> float:
    return float(workshop.rng.uniform(0.7, 1)) if care is None else care


def _fed(
    workshop: Workshop, rgb: Pixels, motion: Motion, size: tuple[int, int], care: float, seed: int
) -> list[Pixels]:
    """What a virtual camera gives for each pose of a motion; one seed, so that one lens and sensor."""
    rng, phone = np.random.default_rng(seed), workshop.camera.phone
    away = float(rng.uniform(*_PRETENDED_M))
    return virtual_camera(rgb, motion, rng, care=care, size=size, phone=phone, margin=1.3, away_m=away).frames


def overlaid(shot: Shot, code: str, rng: np.random.Generator) -> Shot:
    """A clip over which the code is drawn at one place that never moves."""
    seed = int(rng.integers(2**32))

    def over(rgb: Pixels) -> Pixels:
        return typed(rgb, code, np.random.default_rng(seed))

    return replace(shot, rgb=over(shot.rgb), frames=tuple(over(frame) for frame in shot.frames))


def turned_about(workshop: Workshop, rgb: Pixels) -> tuple[bytes, ...]:
    """Two to four files of what one who stands where a picture was taken sees, turning: parts of it, four
    fifths as wide and high, so that no two lie alike."""
    whole = fitted(rgb)
    height, width = whole.shape[:2]
    high, wide = height * 4 // 5, width * 4 // 5
    files = []
    for _ in range(int(workshop.rng.integers(2, GIVEN + 1))):
        y, x = int(workshop.rng.integers(height - high)), int(workshop.rng.integers(width - wide))
        files.append(workshop.jpeg(fitted(whole[y : y + high, x : x + wide])))
    return tuple(files)


def on_screen(workshop: Workshop, rgb: Pixels, pitch: tuple[float, float]) -> Flat:
    """A picture on a screen before the phone; `pitch`: the range of photo pixels a screen pixel."""
    drawn = float(workshop.rng.uniform(*pitch))
    return screen(rgb, workshop.rng, focal=workshop.camera.phone.focal, size=SIZE, pitch=drawn)


def in_print(workshop: Workshop, rgb: Pixels, pitch: tuple[float, float]) -> Flat:
    """A picture in print before the phone; `pitch`: the range of photo pixels a halftone cell."""
    drawn = float(workshop.rng.uniform(*pitch))
    return printed(rgb, workshop.rng, focal=workshop.camera.phone.focal, size=SIZE, pitch=drawn)


def sheet_moved(workshop: Workshop, scene: Scene, share: float) -> Shot:
    """The turns as asked; but of the step the phone goes only that share, and the sheet the rest of it the
    other way, at the same time: in the pictures it is shifted as an honest step shifts it."""
    whole, stepping = _step(workshop)
    way = stepping(whole).shifts - stepping(0.0).shifts
    sheet = workshop.camera.sheet(workshop.code, workshop.rng)
    held = replace(sheet, way=(share - 1) * way) if sheet else None
    return workshop.camera.film(scene, stepping(share * whole), workshop.rng, held)


def slid(workshop: Workshop, flat: Flat, share: tuple[float, float], late_s: tuple[float, float]) -> Shot:
    """The phone steps as asked, and the flat goes along by a share of its way, so many seconds after it: what
    keeps up with the phone seems far. A hand with a mouse, a helper or a timed clip does it about so well."""
    rng, (whole, stepping) = workshop.rng, _step(workshop)
    motion = stepping(whole)
    way = (motion.shifts - stepping(0.0).shifts)[:, 0] * float(rng.uniform(*share))
    return workshop.shoot(Slid(flat, motion.times + float(rng.uniform(*late_s)), way), motion=motion)


def _step(workshop: Workshop) -> tuple[float, Callable[[float], Motion]]:
    """A step's metres, and the asked motion with a step of so many: the same hand, however far it goes."""
    whole, seed = float(workshop.rng.uniform(0.1, 0.2)), int(workshop.rng.integers(2**32))

    def stepping(metres: float) -> Motion:
        return pan(workshop.pan, metres=(metres, metres))(FRAMES, FPS, np.random.default_rng(seed))

    return whole, stepping


def behind_props(workshop: Workshop, back: Flat, rgb: Pixels) -> Flat:
    """Two things at about the sheet's distance before a flat source, each a seventh of the view wide; `rgb`
    is what they look like."""
    rng = workshop.rng
    middle = float(np.linalg.norm(back.corner + (back.right + back.down) / 2))
    near = float(rng.uniform(0.45, 0.6)) / middle
    looks = printed(rgb, rng, focal=workshop.camera.phone.focal, size=SIZE, pitch=1.2)
    height, width = looks.levels[0].shape[:2]
    cover = np.zeros((height, width), np.float32)
    for left, high in ((0.22, 0.2), (0.62, 0.15)):
        top = high + float(rng.uniform(-0.05, 0.15))
        rows = slice(round(top * height), round((top + 0.4) * height))
        cover[rows, round(left * width) : round((left + 0.14) * width)] = 1
    sides = (back.corner * near, back.right * near, back.down * near)
    return Flat(looks.levels, *sides, looks.surface, back, back.room, cover)


def let_fall(workshop: Workshop, rgb: Pixels, pitch: tuple[float, float]) -> Shot:
    """Photo and first frames of a print; it is let fall as the first turn begins, and a room is behind it."""
    return fallen(workshop, in_print(workshop, rgb, pitch), workshop.camera.relief(workshop.other().rgb))


def fallen(workshop: Workshop, flat: Flat, room: Scene) -> Shot:
    """The flat is let fall as the first turn begins; the photo is of one of the first three moments."""
    motion = workshop.move()
    speed = np.linalg.norm(motion.rates[:, :2], axis=1)
    turning = max(3, int(np.argmax(speed > 0.25 * speed.max())))
    return workshop.shoot(LetFall(flat, float(motion.times[turning]), room), motion=motion)


def defocused(workshop: Workshop, least: float, most: float) -> None:
    """Puts the phone out of focus by that many pixels (sigma, at a width of 1280)."""
    blur = float(workshop.rng.uniform(least, most))
    camera = workshop.camera
    workshop.camera = replace(camera, conditions=replace(camera.conditions, defocus=blur))


def lit_at_night(workshop: Workshop, hours: tuple[float, float], most_lux: float) -> None:
    """Puts the phone into a room lit by lamps, so many hours after noon; a quarter of the rooms are shops and
    halls, of 600 to `most_lux` lux, where the simulated shutter is as quick as lamps ever allow."""
    rng = workshop.rng
    rooms = [photo for photo in workshop.shelf.real if indoors(photo)] or [workshop.base]
    workshop.base = rooms[int(rng.integers(len(rooms)))]
    _claim_at(workshop, hours)
    conditions = draw_conditions("indoor", rng)
    if rng.random() < 0.25:
        conditions = _bright(conditions, float(rng.uniform(600, most_lux)))
    workshop.camera = replace(workshop.camera, conditions=conditions)


def day_as_night(workshop: Workshop, hours: tuple[float, float]) -> str:
    """Puts the phone into daylight so many hours after the claim's noon; returns "room" or "open", as the
    photograph shows. A room's daylight is as weak as its lamps; in the open there are 1,500 lux and more."""
    _claim_at(workshop, hours)
    room = indoors(workshop.base)
    conditions = draw_conditions("indoor" if room else "outdoor", workshop.rng)
    workshop.camera = replace(workshop.camera, conditions=conditions)
    return "room" if room else "open"


def _claim_at(workshop: Workshop, hours: tuple[float, float]) -> None:
    """The claim is made so many hours after the sun's noon."""
    noon = workshop.issued_at.replace(hour=12, minute=0) - timedelta(hours=workshop.place.lon / 15)
    workshop.issued_at = noon + timedelta(hours=float(workshop.rng.uniform(*hours)))


def _bright(conditions: Conditions, lux: float) -> Conditions:
    """The same at more light, by the simulator's own programme of exposure."""
    gain, shutter = max(0.25, 300 / lux), max(1 / 1000, 3 / lux)
    return replace(conditions, lux=lux, gain=gain, shutter_s=shutter, denoise=0.0)


def felt_still(motion: Motion) -> Motion:
    """Sensors that felt nothing: a phone on a table, or a program that writes zeros."""
    return replace(motion, gyro=np.zeros_like(motion.gyro))


def felt_like(motion: Motion, other: Motion) -> Motion:
    """One motion's pictures with another's sensors."""
    return replace(motion, gyro=other.gyro, acceleration=other.acceleration, sampled=other.sampled)


def felt_later(motion: Motion, seconds: float) -> Motion:
    """Sensors that say the same, some time later; what is missing at the start is quiet."""
    shift = round(seconds / float(np.median(np.diff(motion.sampled))))
    gyro = np.roll(motion.gyro, shift, axis=0)
    gyro[: max(0, shift)] = motion.gyro[:1] * 0
    return replace(motion, gyro=gyro)


def pasted(onto: Pixels, donor: Pixels, rng: np.random.Generator, *, share: float = 0.25) -> Pixels:
    """A piece of another picture pasted in above the sheet, its edge soft, its brightness matched."""
    height, width = onto.shape[:2]
    wide, high = round(width * share), round(height * share)
    x, y = int(rng.integers(width - wide)), int(rng.integers(max(1, height // 2 - high)))
    u, v = int(rng.integers(donor.shape[1] - wide)), int(rng.integers(donor.shape[0] - high))
    piece = donor[v : v + high, u : u + wide].astype(np.float32)
    under = onto[y : y + high, x : x + wide].astype(np.float32)
    piece += 0.5 * (under.mean(axis=(0, 1)) - piece.mean(axis=(0, 1)))
    mask = Image.new("L", (wide, high), 0)
    ImageDraw.Draw(mask).ellipse((wide * 0.08, high * 0.08, wide * 0.92, high * 0.92), fill=255)
    soft = np.asarray(mask.filter(ImageFilter.GaussianBlur(wide * 0.02)), np.float32)[..., None] / 255
    result = onto.copy()
    result[y : y + high, x : x + wide] = np.clip(under * (1 - soft) + piece * soft, 0, 255).astype(np.uint8)
    return result


def removed(rgb: Pixels, rng: np.random.Generator, *, share: float = 0.2) -> Pixels:
    """A picture from which something above the sheet was taken away, filled from around it (Telea 2004).

    Where nothing stood nothing can be taken away: of some places the first is chosen whose filling changes it
    by _SOMETHING grey levels in the mean, or the one that changes most.
    """
    best, most = rgb, 0.0
    for _ in range(_PLACES):
        filled, hole = _filled(rgb, rng, share)
        change = float(np.abs(filled[hole].astype(np.int16) - rgb[hole]).mean())
        if change > most:
            best, most = filled, change
        if most >= _SOMETHING:
            break
    return best


def _filled(rgb: Pixels, rng: np.random.Generator, share: float) -> tuple[Pixels, npt.NDArray[np.bool_]]:
    """The picture with an ellipse somewhere in its upper half filled from around it, and the ellipse."""
    height, width = rgb.shape[:2]
    wide, high = round(width * share), round(height * share)
    x, y = int(rng.integers(width - wide)), int(rng.integers(max(1, height // 2 - high)))
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (x + wide // 2, y + high // 2), (wide // 2, high // 2), 0, 0, 360, 255, -1)
    return np.asarray(cv2.inpaint(rgb, mask, 5, cv2.INPAINT_TELEA), np.uint8), mask > 0


def fitted(rgb: Pixels) -> Pixels:
    """Any picture at the size of a capture, its middle."""
    scale = max(SIZE[0] / rgb.shape[1], SIZE[1] / rgb.shape[0])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = (max(SIZE[0], round(rgb.shape[1] * scale)), max(SIZE[1], round(rgb.shape[0] * scale)))
    large = np.asarray(cv2.resize(rgb, size, interpolation=how), np.uint8)
    left, top = (large.shape[1] - SIZE[0]) // 2, (large.shape[0] - SIZE[1]) // 2
    return large[top : top + SIZE[1], left : left + SIZE[0]]
