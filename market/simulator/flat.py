"""Flat sources before a second camera: a screen or a print in a room, in linear light.

    rng = np.random.default_rng(7)
    source = screen(picture, rng, focal=phone.focal, size=(1280, 960), pitch=1.7)  # or printed, two_layer
    shot = film(source, hold(16, 10, rng), rng, size=(640, 480), still=(1280, 960), phone=phone, mode="web")

A `Flat` is a rectangle in space, so that hand motion and gyro are true and parallax is absent by
construction. What makes its surface a screen or a sheet of ink is in `market.simulator.optics`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from market.simulator.optics import Lit, Paper, Screen, Surface
from market.simulator.scene import Relief, Scene, inverse_depth, sample
from market.simulator.sensor import Floats, Picture, to_light
from market.simulator.view import Doubles, View

_LEVELS = 4
_WALL_M = 2.5
_DROP_M = 1.0  # by then what falls is out of sight
_SOFT = 160  # columns that show all of a wall


@dataclass(frozen=True, slots=True)
class Flat:
    """One flat picture.

    Attributes:
        levels: the picture in linear light float32 [h, w, 3], and halved again and again.
        corner / right / down: float64 [3] metres, its top left corner and its two sides.
        surface: what the picture is made of.
        behind: the scene around and, where there is a `cover`, through it.
        room: light falling on a white thing before it, linear, about 0.1 to 0.8.
        cover: float32 [h, w] 0..1, where the flat is not see-through; None: everywhere.
    """

    levels: tuple[Floats, ...]
    corner: Doubles
    right: Doubles
    down: Doubles
    surface: Surface
    behind: Scene
    room: float
    cover: Floats | None = None

    def look(self, view: View) -> Floats:
        """The rectangle by its exact homography, over what is behind it."""
        at, front = self._where(view)
        step = float(np.median(np.abs(np.diff(at[0, ::16], axis=1))))
        content = self._content(self.surface.pixelated(at), step)
        lit = Lit(view, step, self._foot(view), float(np.linalg.norm(self.right)), self._distance(view))
        shown = self.surface.shine(content, at, lit)
        inside = np.clip(_inwards(at) / np.float32(max(step, 1e-6)) + np.float32(0.5), 0, 1) * front
        if self.cover is not None:
            inside = inside * self._sampled(self.cover, at)
        if inside.min() >= 1:
            return shown
        behind = self.behind.look(view)
        return np.asarray(behind + cv2.merge([inside] * 3) * (shown - behind), np.float32)

    def light(self, view: View, rng: np.random.Generator) -> Floats:
        """The room's light: nearly even, a little to one side, a little warm or cold."""
        width, height = view.size
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
        slope = 1 + rng.normal(0, 0.08) * x + rng.normal(0, 0.08) * y
        warm = np.array([1 + rng.normal(0.02, 0.04), 1, 1 - rng.normal(0.02, 0.06)])
        return np.asarray(self.room * slope[..., None] * warm, np.float32)

    def _where(self, view: View) -> tuple[Floats, NDArray[np.bool_]]:
        """Where each pixel's ray meets the plane, (u, v) with 0..1 inside, float32 [2, h, w], and whether it
        is in front."""
        basis = np.stack([self.right, self.down, self.corner - view.shift], axis=1)
        u, v, depth = view.rays(np.linalg.inv(basis))
        per = 1 / np.maximum(depth, np.float32(1e-6))
        return np.stack([u * per, v * per]), depth > 1e-6

    def _content(self, at: Floats, step: float) -> Floats:
        """The picture at (u, v), from the level that is as fine as the camera's pixels."""
        finer = max(1.0, step * self.levels[0].shape[1])
        level = self.levels[min(int(np.log2(finer) + 0.5), len(self.levels) - 1)]
        return np.maximum(self._sampled(level, at), 0)

    @staticmethod
    def _sampled(picture: Floats, at: Floats) -> Floats:
        sides = (picture.shape[1], picture.shape[0])
        across, down = (
            np.clip(axis, -0.2, 1.2) * np.float32(side) - np.float32(0.5)
            for axis, side in zip(at, sides, strict=True)
        )
        return sample(picture, np.asarray(cv2.merge([across, down]), np.float32), cv2.INTER_LINEAR)

    def _foot(self, view: View) -> Doubles:
        """(u, v) of the plane's point nearest to the camera: a torch is mirrored there."""
        normal = np.cross(self.right, self.down)
        normal = normal / np.linalg.norm(normal)
        to_plane = ((self.corner - view.shift) @ normal) * normal
        foot = view.shift + to_plane - self.corner
        return np.array([foot @ side / (side @ side) for side in (self.right, self.down)])

    def _distance(self, view: View) -> float:
        return float(np.linalg.norm(self.corner + (self.right + self.down) / 2 - view.shift))


def screen(
    picture: NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    focal: float,
    size: tuple[int, int] = (1280, 960),
    pitch: float = 1.7,
    fill: float = 1.25,
    surface: Screen | None = None,
    distance_m: tuple[float, float] = (0.6, 1.1),
) -> Flat:
    """A picture on a screen.

    Args:
        picture: sRGB uint8 [h, w, 3], such as a photograph, or a frame of `render` with a sheet in it.
        focal: the phone's, of the picture's width. size: of the photograph that will be taken.
        pitch: pixels of that photograph a pixel of the screen: .8-4.
        fill: how much wider than the photograph the screen is; under 1 (or 2, where the phone pans)
            the room around it is seen.
        surface: the screen's looks; its `columns` are set from `pitch`.
    """
    looks = surface or Screen.drawn(rng)
    light = _framed(picture, size)
    place = _place(focal, size, fill, rng, distance_m)
    return Flat(_levels(light), *place, looks.at(fill * size[0] / pitch), wall(rng), room=_room(rng))


@dataclass(frozen=True, slots=True)
class Playing:
    """A screen that plays a clip: what it shows has parallax, and moves as the clip's phone moved.

    Attributes:
        flat: the screen. clip: its pictures, each as `Flat.levels`.
        fps: of the clip; it starts again at its end.
    """

    flat: Flat
    clip: tuple[tuple[Floats, ...], ...]
    fps: float

    def look(self, view: View) -> Floats:
        """The screen with the picture of that time."""
        shown = self.clip[int(view.time * self.fps) % len(self.clip)]
        return replace(self.flat, levels=shown).look(view)

    def light(self, view: View, rng: np.random.Generator) -> Floats:
        """The room's light."""
        return self.flat.light(view, rng)


@dataclass(frozen=True, slots=True)
class LetFall:
    """A print or screen that is let fall: for half a second it is seen to go, then what is behind it.

    Attributes:
        flat: before that. at: seconds by the view's clock. room: the scene that is behind it.
    """

    flat: Flat
    at: float
    room: Scene

    def look(self, view: View) -> Floats:
        """What is there at that time."""
        fallen = 0.5 * 9.81 * max(0.0, view.time - self.at) ** 2
        if fallen > _DROP_M:
            return self.room.look(view)
        corner = self.flat.corner + np.array([0.0, fallen, 0.0])
        return replace(self.flat, corner=corner, behind=self.room).look(view)

    def light(self, view: View, rng: np.random.Generator) -> Floats:
        """The room's light."""
        return self.flat.light(view, rng)


@dataclass(frozen=True, slots=True)
class Slid:
    """A flat that is carried along its own width, or a larger screen on which the picture is slid.

    Attributes:
        flat: where it is at first. times: float64 [n] seconds by the view's clock. way: float64 [n] metres.
    """

    flat: Flat
    times: Doubles
    way: Doubles

    def look(self, view: View) -> Floats:
        """The flat where it is at that time."""
        along = self.flat.right / np.linalg.norm(self.flat.right)
        gone = float(np.interp(view.time, self.times, self.way))
        return replace(self.flat, corner=self.flat.corner + gone * along).look(view)

    def light(self, view: View, rng: np.random.Generator) -> Floats:
        """The room's light."""
        return self.flat.light(view, rng)


def playing(
    frames: list[Picture],
    rng: np.random.Generator,
    *,
    fps: float,
    focal: float,
    size: tuple[int, int] = (1280, 960),
    pitch: float = 1.7,
    fill: float = 1.25,
) -> Playing:
    """A clip (the frames of somebody's `render`, say) on a screen: see `screen`."""
    still = screen(frames[0], rng, focal=focal, size=size, pitch=pitch, fill=fill)
    return Playing(still, tuple(_levels(_framed(frame, size)) for frame in frames), fps)


def printed(
    picture: NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    focal: float,
    size: tuple[int, int] = (1280, 960),
    pitch: float = 2.5,
    fill: float = 1.25,
    surface: Paper | None = None,
    distance_m: tuple[float, float] = (0.3, 0.9),
) -> Flat:
    """A picture in print: see `screen`; `pitch` is pixels of the photograph a halftone cell (or ink dot)."""
    room = float(rng.uniform(0.7, 1.0))
    looks = (surface or Paper.drawn(rng)).at(fill * size[0] / pitch, room)
    place = _place(focal, size, fill, rng, distance_m)
    return Flat(_levels(_framed(picture, size)), *place, looks, wall(rng), room=room)


def two_layer(
    picture: NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    focal: float,
    size: tuple[int, int] = (1280, 960),
    gap_m: float = 0.05,
    pitch: float = 1.7,
    fill: float = 1.25,
) -> Flat:
    """Two screens, the nearer see-through where the scene is far, `gap_m` apart: parallax for the poor."""
    back = screen(picture, rng, focal=focal, size=size, pitch=pitch, fill=fill)
    near = inverse_depth(back.levels[0], focal * size[0])
    cover = (near > np.quantile(near, 0.6)).astype(np.float32)
    cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), 2), np.float32)
    middle = back.corner + (back.right + back.down) / 2
    nearer = 1 - gap_m / float(np.linalg.norm(middle))  # the same picture from where the camera starts
    sides = (back.corner * nearer, back.right * nearer, back.down * nearer)
    return Flat(back.levels, *sides, back.surface, back, back.room, cover)


@dataclass(frozen=True, slots=True)
class Wall:
    """A dim room without anything fine in it: what a small picture shows of it is all there is."""

    room: Relief

    def look(self, view: View) -> Floats:
        """The room, seen in a picture of _SOFT columns."""
        seen = self.room.look(view.resized(min(view.size[0], _SOFT)))
        return np.asarray(cv2.resize(seen, view.size, interpolation=cv2.INTER_LINEAR), np.float32)

    def light(self, view: View, rng: np.random.Generator) -> Floats:
        """The room's light."""
        return self.room.light(view, rng)


def wall(rng: np.random.Generator) -> Wall:
    """A dim room behind a flat source: soft patches of colour at _WALL_M."""
    grid = rng.uniform(0.02, 0.25, (9, 12, 1)) * rng.uniform(0.7, 1.1, (9, 12, 3))
    picture = cv2.resize(grid.astype(np.float32), (960, 720), interpolation=cv2.INTER_CUBIC)
    light = np.maximum(np.asarray(picture, np.float32), np.float32(0.005))
    return Wall(Relief(light, np.full(light.shape[:2], 1 / _WALL_M, np.float32), 380.0))


def _inwards(at: Floats) -> Floats:
    """How far (u, v) lie within the flat, in the widths or heights of it; negative outside."""
    u, v = at
    return np.asarray(np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v)), np.float32)


def _room(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.25, 0.8))


def _framed(picture: NDArray[np.uint8], size: tuple[int, int]) -> Floats:
    """The picture cut to the photograph's shape about its middle, in linear light."""
    colour: Picture = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    height, width = colour.shape[:2]
    cut_w, cut_h = (
        min(width, round(height * size[0] / size[1])),
        min(height, round(width * size[1] / size[0])),
    )
    left, top = (width - cut_w) // 2, (height - cut_h) // 2
    return to_light(colour[top : top + cut_h, left : left + cut_w])


def _levels(light: Floats) -> tuple[Floats, ...]:
    levels = [light]
    while len(levels) < _LEVELS and min(levels[-1].shape[:2]) > 64:
        half = (levels[-1].shape[1] // 2, levels[-1].shape[0] // 2)
        smaller: NDArray[Any] = np.asarray(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA))
        levels.append(smaller.astype(np.float32))
    return tuple(levels)


def _place(
    focal: float,
    size: tuple[int, int],
    fill: float,
    rng: np.random.Generator,
    distance_m: tuple[float, float],
) -> tuple[Doubles, Doubles, Doubles]:
    """Corner and sides of a rectangle nearly square to the camera that fills its picture so much."""
    away = float(rng.uniform(*distance_m))
    width = fill * away / focal
    right, down = np.array([width, 0, 0]), np.array([0, width * size[1] / size[0], 0])
    lean = cv2.Rodrigues(np.radians(rng.normal(0, (3, 4, 1.5))))[0]
    right, down = lean @ right, lean @ down
    return np.array([0, 0, away]) - (right + down) / 2, right, down
