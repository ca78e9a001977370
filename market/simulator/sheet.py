"""A sheet of paper with the challenge code written on it, standing in the scene's own light.

The sheet is a flat rectangle in space with a slight curl in its texture and its shading. Its
brightness and tint come from the photograph around it, so that a code pasted with other light
would look different. Lengths in metres, camera axes (x right, y down, z forward).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from market.simulator.handwriting import write

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_WIDTH_M, _HEIGHT_M = 0.210, 0.125
_PIXELS = (840, 500)  # of the sheet in its texture, width and height
_BELOW = 700  # texture rows under the sheet, where the hand is
_WHITE = 0.78  # albedo of paper
_INKS = ((0.02, 0.02, 0.025), (0.015, 0.03, 0.16), (0.03, 0.03, 0.05))


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet, placed.

    Attributes:
        paper: float32 [h, w, 4]: reflectance RGB, shaded by the paper's curl (premultiplied), and coverage.
        skin: float32 [2, more than h, w]: the holder's hand behind the sheet and the thumb before it, each
            0 where there is none, else 0..1 as it faces the camera; zeros when lying.
        tone: float32 [3], reflectance of the holder's skin.
        corners: float64 [4, 3]: where the sheet's corners are in the start frame, clockwise from
            the writing's top left.
        lying: on a surface (it casts a contact shadow) rather than held up.
        way: float64 [n, 3] metres that it was moved by at each picture; None: it stays where it is.
    """

    paper: Floats
    skin: Floats
    tone: Floats
    corners: Doubles
    lying: bool
    way: Doubles | None = None


def make_sheet(
    code: str, lying: bool, focal: float, size: tuple[int, int], rng: np.random.Generator
) -> Sheet:
    """A sheet that says `code`, placed where a person would put it.

    Args:
        focal: of the camera, in pixels; `size` is (width, height) of its picture.
    """
    paper, skin = _paper(code, rng), _hand(rng)
    if lying:
        skin = np.zeros_like(skin)
    return Sheet(paper, skin, _tone(rng), _place(lying, focal, size, rng), lying)


def jostled(sheet: Sheet, count: int, rng: np.random.Generator) -> list[Sheet]:
    """The sheet at each of `count` pictures: a held one trembles in its hand, a lying one lies still.

    Either is where its `way` has led it by then.
    """
    if sheet.lying and sheet.way is None:
        return [sheet] * count
    way = np.zeros((count, 3)) if sheet.way is None else sheet.way[:count]
    if sheet.lying:
        return [replace(sheet, corners=sheet.corners + moved) for moved in way]
    shaken, middle = [], sheet.corners.mean(axis=0)
    offset, turn = np.zeros(3), np.zeros(3)
    for moved in way:
        corners = (sheet.corners - middle) @ cv2.Rodrigues(turn)[0].T + middle + offset + moved
        shaken.append(replace(sheet, corners=corners))
        offset = 0.85 * offset + rng.normal(0, 0.0010, 3)
        turn = 0.85 * turn + rng.normal(0, np.radians(0.2), 3)
    return shaken


def focused(sheet: Sheet, pixels: Doubles) -> Sheet:
    """The sheet with its texture as fine as a picture can show that has its corners at `pixels`."""
    width = sheet.paper.shape[1]
    shrink = max(1.0, width / float(np.linalg.norm(pixels[1] - pixels[0])))
    layers: list[NDArray[Any]] = [_blur(layer, 0.45 * shrink) for layer in (sheet.paper, *sheet.skin)]
    if shrink > 1.8:
        layers = [
            np.asarray(cv2.resize(layer, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
            for layer in layers
        ]
    return replace(sheet, paper=layers[0], skin=np.asarray(layers[1:], np.float32))


def draw_sheet(sheet: Sheet, onto: Floats, pixels: Doubles, light: Floats) -> Floats:
    """The scene with the sheet in it: linear light float32 [h, w, 3].

    Args:
        sheet: as `focused` made it.
        onto: the scene without it, linear light.
        pixels: float64 [4, 2], where `sheet.corners` fall in the picture.
        light: float32 [h, w, 3], light falling on things at each pixel, from `light_on_paper`.
    """
    (paper_h, tex_w), tex_h = sheet.paper.shape[:2], sheet.skin.shape[1]
    frame = np.array([(0, 0), (tex_w, 0), (tex_w, paper_h), (0, paper_h)]) - 0.5
    warp: Doubles = np.asarray(
        cv2.getPerspectiveTransform(frame.astype(np.float32), pixels.astype(np.float32)), np.float64
    )
    drawn = pixels if sheet.lying else _mapped(warp, [(0, 0), (tex_w, 0), (tex_w, tex_h), (0, tex_h)])
    part = _around(drawn, onto.shape, 140 * onto.shape[1] / 1280)
    if part is None:
        return onto
    rows, columns = part
    moved = np.array([[1, 0, -columns.start], [0, 1, -rows.start], [0, 0, 1]]) @ warp
    done = onto.copy()
    reach = onto.shape[1] / 1280
    done[rows, columns] = _draw(sheet, onto[rows, columns], moved, light[rows, columns], reach)
    return done


def _draw(sheet: Sheet, onto: Floats, warp: Doubles, light: Floats, reach: float) -> Floats:
    """`draw_sheet` for the part of a picture that has sheet, hand or shadow in it."""
    height, width = onto.shape[:2]
    paper, hand, thumb = (_warp(layer, warp, width, height) for layer in (sheet.paper, *sheet.skin))
    cover = paper[..., 3]
    scene = onto * _thrice(1 - _shadow(np.maximum(cover, _solid(hand)), sheet.lying, reach))
    if not sheet.lying:
        _draw_skin(scene, hand, light, np.float32(0.75) * sheet.tone)
        light = light * _thrice(1 - np.float32(0.35) * _blur(_solid(thumb), 7 * reach))
    # Colours are premultiplied by coverage so that the edge blends without a dark rim.
    scene *= _thrice(1 - cover)
    scene += np.asarray(cv2.cvtColor(paper, cv2.COLOR_RGBA2RGB), np.float32) * light
    if not sheet.lying:
        _draw_skin(scene, thumb, light, sheet.tone)
    return scene


def _mapped(warp: Doubles, points: list[tuple[float, float]]) -> Doubles:
    seen = np.column_stack([np.array(points, np.float64), np.ones(len(points))]) @ warp.T
    return np.asarray(seen[:, :2] / np.where(np.abs(seen[:, 2:]) < 1e-6, 1e-6, seen[:, 2:]))


def _around(points: Doubles, shape: tuple[int, ...], margin: float) -> tuple[slice, slice] | None:
    """Rows and columns of a picture that hold the points and a margin; None when none does."""
    top = np.array([shape[1], shape[0]])
    low = np.clip(points.min(axis=0) - margin, 0, top).astype(int)
    high = np.clip(points.max(axis=0) + margin, 0, top).astype(int)
    if (high - low < 2).any():
        return None
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def light_on_paper(scene: Floats, rng: np.random.Generator) -> Floats:
    """Light on a white thing at each pixel, float32 [h, w, 3], judged from the scene around it.

    Bright parts of the scene say how bright white is and, in part, of what colour; which side of
    the picture is brighter says where the light comes from; a soft shadow crosses it at random.
    """
    height, width = scene.shape[:2]
    small = cv2.resize(scene, (64, 48), interpolation=cv2.INTER_AREA)
    luma = small @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    bright = small[luma >= np.quantile(luma, 0.7)].mean(axis=0)
    tint = bright / max(float(bright.mean()), 1e-4)
    tint = 0.55 + 0.45 * np.clip(tint, 0.6, 1.5)
    level = float(np.clip(0.45 * np.quantile(luma, 0.9) + 0.9 * luma.mean() + 0.12, 0.3, 0.95))
    y, x = np.mgrid[-1:1:48j, -1:1:64j].astype(np.float32)
    lean = [float((luma * axis).sum() / max(float(luma.sum()), 1e-4)) for axis in (x, y)]
    slope = 1 + 0.5 * (lean[0] * x + lean[1] * y)
    angle, where = rng.uniform(0, 2 * np.pi), rng.uniform(-0.5, 0.5)
    edge = (np.cos(angle) * x + np.sin(angle) * y - where) / rng.uniform(0.12, 0.4)
    shade = 1 - rng.uniform(0.05, 0.35) / (1 + np.exp(-4 * np.clip(edge, -8, 8)))
    field = cv2.GaussianBlur((level * slope * shade).astype(np.float32), (0, 0), 2)
    full = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
    return _tinted(_thrice(np.asarray(full, np.float32)), tint)


def _paper(code: str, rng: np.random.Generator) -> Floats:
    """The texture: reflectance under the curl's shading, premultiplied, and coverage, float32 [h, w, 4]."""
    width, height = _PIXELS
    paper = np.full((height, width, 3), _WHITE, np.float32)
    paper = _tinted(paper, np.array([1, rng.uniform(0.97, 1), rng.uniform(0.9, 1)]))
    grain = cv2.GaussianBlur(rng.standard_normal((height, width), np.float32), (0, 0), 1.5)
    paper *= _thrice(1 + np.float32(0.03) * np.asarray(grain, np.float32))
    if rng.random() < 0.5:
        paper[int(rng.integers(20, 50)) :: 52] *= np.array([0.72, 0.82, 0.93], np.float32)
    ink = np.float32(0.93) * _thrice(_ink(code, width, height, rng))
    colour = _INKS[int(rng.integers(len(_INKS)))]
    paper += _tinted(ink, np.array(colour)) - ink * paper
    cover = np.zeros((height, width), np.float32)
    cover[4:-4, 4:-4] = 1
    paper *= _thrice(_curl(width, height, rng) * cover)
    return np.asarray(cv2.merge([*cv2.split(paper), cover]), np.float32)


def _ink(code: str, width: int, height: int, rng: np.random.Generator) -> Floats:
    """The writing laid out on the sheet: coverage float32 [h, w]."""
    writing: Floats = write(code, rng)
    scale = min(width * rng.uniform(0.7, 0.84) / writing.shape[1], 0.6 * height / writing.shape[0])
    shrunk = (int(writing.shape[1] * scale), int(writing.shape[0] * scale))
    writing = np.asarray(cv2.resize(writing, shrunk, interpolation=cv2.INTER_AREA), np.float32)
    spare_x, spare_y = width - writing.shape[1], height - writing.shape[0]
    tilt = np.array([[1, rng.normal(0, 0.015), 0], [rng.normal(0, 0.02), 1, 0]])
    tilt[:, 2] = spare_x * rng.uniform(0.4, 0.6), spare_y * rng.uniform(0.28, 0.5)
    return np.asarray(cv2.warpAffine(writing, tilt, (width, height), flags=cv2.INTER_LINEAR), np.float32)


def _curl(width: int, height: int, rng: np.random.Generator) -> Floats:
    """Shading of a sheet that is not quite flat: a bend across it and a fold or two, about 1."""
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    shading = 1 + rng.normal(0, 0.07) * x + rng.normal(0, 0.06) * y + rng.normal(0, 0.05) * x * y
    angle = rng.uniform(-0.3, 0.3)
    crease = (y if rng.random() < 0.5 else x) * np.cos(angle) + (x if rng.random() < 0.5 else y) * np.sin(
        angle
    )
    fold = np.tanh((crease - rng.uniform(-0.2, 0.2)) / 0.02)
    return np.asarray(shading + rng.uniform(0, 0.05) * fold, np.float32)


def _hand(rng: np.random.Generator) -> Floats:
    """A hand that comes from below and pinches the lower edge: (behind, before), float32 [2, h, w].

    Fingers are capsules; the value says how squarely the skin faces the camera (0 = no skin).
    """
    width, height = _PIXELS
    edge = np.array([width * rng.uniform(0.3, 0.7), height])
    tip = edge - np.array([rng.uniform(-14, 14), rng.uniform(60, 90)])
    wrist = edge + np.array([rng.uniform(-160, 160), 900.0])
    knuckle = edge + np.array([rng.uniform(-20, 20), 70.0])
    thumb = np.maximum(_capsule(tip, knuckle, 40), _capsule(knuckle, wrist, 62))
    up, across = np.array([0.0, 20.0]), [np.array([dx, 0.0]) for dx in (-96, -24, 60)]
    fingers = [_capsule(edge + beside - up, wrist + beside, 44) for beside in across]
    palm = _capsule(edge + 13 * up, wrist, 150)
    small, size = (np.maximum.reduce([*fingers, palm]), thumb), (width, height + _BELOW)
    return np.asarray(
        [cv2.resize(layer, size, interpolation=cv2.INTER_LINEAR) for layer in small], np.float32
    )


def _capsule(start: Doubles, end: Doubles, radius: float) -> Floats:
    """A rounded rod seen from the front: sqrt(1 - (distance/radius)^2), float32 [h/4, w/4]."""
    y = np.arange(0, _PIXELS[1] + _BELOW, 4, dtype=np.float32)[:, None] - np.float32(start[1])
    x = np.arange(0, _PIXELS[0], 4, dtype=np.float32)[None, :] - np.float32(start[0])
    along = (end - start).astype(np.float32)
    t = np.clip((x * along[0] + y * along[1]) / (along @ along), 0, 1)
    distance = np.hypot(x - t * along[0], y - t * along[1])
    return np.asarray(np.sqrt(np.clip(1 - (distance / radius) ** 2, 0, 1)), np.float32)


def _solid(facing: Floats) -> Floats:
    """Coverage 0..1 of skin from how it faces the camera."""
    return np.minimum(facing * 4, 1)


def _tone(rng: np.random.Generator) -> Floats:
    """Reflectance RGB of somebody's skin, from dark to fair."""
    dark, fair = np.array([0.16, 0.08, 0.05]), np.array([0.68, 0.45, 0.35])
    return np.asarray(dark + rng.random() * (fair - dark), np.float32)


def _draw_skin(scene: Floats, facing: Floats, light: Floats, tone: Floats) -> None:
    """Skin over the scene, in place, darker where it turns away from the camera."""
    x, y, wide, high = cv2.boundingRect((facing > 0).astype(np.uint8))
    if not wide:
        return
    box = slice(y, y + high), slice(x, x + wide)
    facing, under = facing[box], scene[box]
    skin = _tinted(light[box], tone) * _thrice(0.5 + 0.5 * facing)
    under += (skin - under) * _thrice(_solid(facing))


def _thrice(plane: Floats) -> Floats:
    """A plane [h, w] for each colour, [h, w, 3]: numpy is slow at broadcasting along so short an axis."""
    return np.asarray(cv2.merge([plane] * 3), np.float32)


def _tinted(light: Floats, tone: NDArray[Any]) -> Floats:
    """Light [h, w, 3] times a colour [3], a whole row at a time for the same reason."""
    high, wide = light.shape[:2]
    row = np.tile(np.asarray(tone, np.float32), wide)
    return (light.reshape(high, 3 * wide) * row).reshape(light.shape)


def _place(lying: bool, focal: float, size: tuple[int, int], rng: np.random.Generator) -> Doubles:
    """The four corners in space: leaning away when lying, nearly facing the camera when held."""
    z = rng.uniform(0.42, 0.52) if lying else rng.uniform(0.40, 0.54)
    pitch = np.radians(rng.uniform(32, 48) if lying else rng.uniform(-16, 14))
    yaw = np.radians(rng.uniform(-12, 12) if lying else rng.uniform(-24, 24))
    roll = np.radians(rng.normal(0, 7))
    turn = cv2.Rodrigues(np.array([0, 0, roll]))[0]
    lean = cv2.Rodrigues(np.array([-pitch, 0, 0.0]))[0] @ cv2.Rodrigues(np.array([0, yaw, 0.0]))[0]
    half = np.array([_WIDTH_M / 2, _HEIGHT_M / 2, 0])
    flat = half * np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)])
    around = flat @ turn.T @ lean.T
    width, height = size
    spare = width / 2 - focal * (_WIDTH_M / 2) / z
    across = rng.uniform(-0.6, 0.6) * max(spare, 0) * z / focal
    down = (rng.uniform(0.18, 0.26) if lying else rng.uniform(0.12, 0.24)) * height * z / focal
    return np.asarray(around + np.array([across, down, z]))


def _shadow(cover: Floats, lying: bool, reach: float) -> Floats:
    """How much sheet and hand darken what lies behind them, float32 [h, w]."""
    strength, right, down, soft = (0.6, 5, 7, 7) if lying else (0.18, 30, 40, 36)
    move = np.array([[1, 0, right * reach], [0, 1, down * reach]])
    moved = np.asarray(cv2.warpAffine(cover, move, (cover.shape[1], cover.shape[0])), np.float32)
    return np.asarray(np.float32(strength) * _blur(moved, soft * reach), np.float32)


def _warp(layer: Floats, by: NDArray[Any], width: int, height: int) -> Floats:
    return np.asarray(cv2.warpPerspective(layer, by, (width, height)), np.float32)


def _blur(picture: Floats, sigma: float) -> Floats:
    if sigma > 8:  # nothing fine is left: a quarter of the size looks the same
        height, width = picture.shape[:2]
        small = cv2.resize(picture, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
        soft = cv2.GaussianBlur(small, (0, 0), sigma / 4)
        return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.1)), np.float32)
