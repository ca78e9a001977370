"""Flats that fill a part of the view, and photos that are cut out of it: a true room is beside them.

Boxes are (left, top, right, bottom) in shares of the picture. The cheat picks where he stands: of some
rooms the one in which most can be followed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from market.simulator.camera import film
from market.simulator.flat import Flat, printed, screen
from market.simulator.motion import Motion
from market.simulator.scene import Relief, Scene
from market.simulator.sheet import Sheet
from market.simulator.view import View
from verification.redteam.lens import FRAME, SIZE, Shot, moment
from verification.redteam.photographs import Photograph, Pixels
from verification.redteam.workshop import Workshop

Box = tuple[float, float, float, float]

_ROOMS = 6  # photographs looked at
_MARGIN = 0.98  # of the print that the photo is cut to
_TV_M, _TV_COLUMNS = 1.43, 3840  # a 65-inch set's width


def middle(share: float) -> Box:
    """The box of so much of the picture's width and height."""
    edge = (1 - share) / 2
    return edge, edge, 1 - edge, 1 - edge


def before_room(workshop: Workshop, flat: Flat, box: Box, away: float) -> Flat:
    """The flat facing the phone, so many metres away, so that it fills the box; a true room is behind it."""
    flat = replace(flat, behind=_room(workshop))
    wide = away / workshop.camera.phone.focal
    high = wide * SIZE[1] / SIZE[0]
    return replace(
        flat,
        corner=np.array([(box[0] - 0.5) * wide, (box[1] - 0.5) * high, away]),
        right=np.array([(box[2] - box[0]) * wide, 0.0, 0.0]),
        down=np.array([0.0, (box[3] - box[1]) * high, 0.0]),
    )


def in_ink(workshop: Workshop, rgb: Pixels, fill: float) -> Flat:
    """A fine print, as a copy shop makes it, for a flat that fills so much of the view."""
    pitch = float(workshop.rng.uniform(0.9, 1.4))
    return printed(rgb, workshop.rng, focal=workshop.camera.phone.focal, size=SIZE, pitch=pitch, fill=fill)


def television(workshop: Workshop, rgb: Pixels, away: float) -> Flat:
    """A picture as wide as a 65-inch set and as high as the photo, so many metres away before a dim wall."""
    fill = _TV_M * workshop.camera.phone.focal / away
    pitch = fill * SIZE[0] / _TV_COLUMNS
    set_ = screen(rgb, workshop.rng, focal=workshop.camera.phone.focal, size=SIZE, pitch=pitch, fill=fill)
    wide, high = _TV_M, _TV_M * SIZE[1] / SIZE[0]
    return replace(
        set_,
        corner=np.array([-wide / 2, -high / 2, away]),
        right=np.array([wide, 0.0, 0.0]),
        down=np.array([0.0, high, 0.0]),
    )


def zoomed(workshop: Workshop, by: float) -> None:
    """The page's camera zooms in."""
    phone = workshop.camera.phone
    workshop.camera = replace(workshop.camera, phone=replace(phone, focal=phone.focal * by))


def on_small_sheet(workshop: Workshop, scene: Scene) -> Shot:
    """The code on a card two thirds as large as a page's half, for whoever has a narrow view."""
    held = workshop.camera.sheet(workshop.code, workshop.rng)
    if held is not None:
        centre = held.corners.mean(axis=0)
        held = replace(held, corners=centre + 2 / 3 * (held.corners - centre))
    return workshop.camera.film(scene, workshop.move(), workshop.rng, held)


def sheet_on(workshop: Workshop, away: float, width: float, at: tuple[float, float]) -> Sheet:
    """The code on a strip of the flat, facing the phone: so wide and with its middle there, in shares."""
    held = workshop.camera.sheet(workshop.code, workshop.rng)
    if held is None:
        raise ValueError("no code was asked for")
    view = away / workshop.camera.phone.focal
    size = np.ptp(held.corners, axis=0)
    half = np.array([1.0, size[1] / size[0], 0.0]) * width * view / 2
    centre = np.array([(at[0] - 0.5) * view, (at[1] - 0.5) * view * SIZE[1] / SIZE[0], away])
    corners = centre + half * np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)])
    return replace(held, corners=corners, skin=np.zeros_like(held.skin), lying=True)


def last_of(workshop: Workshop, scene: Scene, back: int) -> Shot:
    """The photo is of one of the last moments, when the step is made: from then on nothing is shifted."""
    camera, rng, motion = workshop.camera, workshop.rng, workshop.move()
    sheet, seed = camera.sheet(workshop.code, rng), int(rng.integers(2**32))
    phone, conditions = camera.phone, camera.conditions
    light = (np.random.default_rng(seed) for _ in range(2))
    burst = film(scene, motion, next(light), sheet=sheet, size=FRAME, phone=phone, conditions=conditions)
    then = moment(motion, len(motion.times) - 1 - back)
    photo = film(scene, then, next(light), sheet=sheet, size=SIZE, phone=phone, conditions=conditions)
    return Shot(photo.frames[0], tuple(burst.frames), motion)


@dataclass(frozen=True, slots=True)
class _Cut:
    """What the photo is of: one moment, larger than it is handed in, and the box that is kept of it."""

    moment: Motion
    size: tuple[int, int]
    at: tuple[int, int]


def cut_to(workshop: Workshop, flat: Flat) -> Shot:
    """Burst of the whole view, and a photo of which only the flat is handed in."""
    camera, rng, motion = workshop.camera, workshop.rng, workshop.move()
    sheet, seed = camera.sheet(workshop.code, rng), int(rng.integers(2**32))
    cut = _cut(workshop, flat, moment(motion, int(rng.integers(3))))

    def filmed(when: Motion, size: tuple[int, int]) -> list[Pixels]:
        light = np.random.default_rng(seed)
        phone, conditions = camera.phone, camera.conditions
        return film(flat, when, light, sheet=sheet, size=size, phone=phone, conditions=conditions).frames

    photo = filmed(cut.moment, cut.size)[0]
    left, top = cut.at
    kept = np.ascontiguousarray(photo[top : top + SIZE[1], left : left + SIZE[0]])
    return Shot(kept, tuple(filmed(motion, FRAME)), motion)


def _cut(workshop: Workshop, flat: Flat, when: Motion) -> _Cut:
    """Where the flat is at that moment, and how large the picture must be for it to fill the photo."""
    focal = workshop.camera.focal
    view = View(turn=when.rotations[0], shift=when.shifts[0], size=SIZE, focal=focal)
    sides = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
    corners = flat.corner + sides[:, :1] * flat.right + sides[:, 1:] * flat.down
    seen = np.clip(view.project(corners) / np.array(SIZE), 0, 1)
    low = np.maximum(seen[0], [seen[3, 0], seen[1, 1]])
    high = np.minimum(seen[2], [seen[1, 0], seen[3, 1]])
    side = float((high - low).min()) * _MARGIN
    width, height = (2 * round(edge / side / 2) for edge in SIZE)
    start = (low + high - side) / 2
    left, top = round(float(start[0]) * width), round(float(start[1]) * height)
    return _Cut(when, (width, height), (min(left, width - SIZE[0]), min(top, height - SIZE[1])))


def _room(workshop: Workshop) -> Relief:
    """Of some other photographs the one in which most can be followed, as a scene."""
    others = [workshop.other() for _ in range(_ROOMS)]
    return workshop.camera.relief(max(others, key=_followed).rgb)


def _followed(photo: Photograph) -> float:
    small = cv2.resize(cv2.cvtColor(photo.rgb, cv2.COLOR_RGB2GRAY), (480, 360), interpolation=cv2.INTER_AREA)
    corners = cv2.goodFeaturesToTrack(small, 800, 0.02, 6)
    return 0.0 if corners is None else len(corners) * float(np.sqrt(small.std()))
