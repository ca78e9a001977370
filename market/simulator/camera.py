"""Captures without a person: a phone held by a hand, in front of a real photograph given depth.

The photograph becomes a scene (a ground plane, and things that stand on it at a few depths), a sheet
with the challenge code is put into it, a hand holds the phone, the phone's sensor and software make
the picture. Everything made here is simulated and says so (`Shot.simulated`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from market.simulator.motion import Doubles, hold
from market.simulator.sensor import Exif, Floats, Picture, encode, expose, to_light
from market.simulator.sheet import Sheet, draw_sheet, light_on_paper, make_sheet

FPS = 15.0
_OVERSCAN = 1.14  # the scene is drawn larger than the picture, so that a turning phone sees no edge
_FOCAL = 0.8  # of the picture's width: about 64 degrees across, a phone's main camera
_EYE_HEIGHT_M = 1.4
_FAR_M = 30.0
_BANDS = 4


@dataclass(frozen=True, slots=True)
class Shot:
    """What the simulated phone brings home.

    Attributes:
        jpeg: the photograph (the first frame).
        frames: sRGB uint8 [h, w, 3] each, FPS a second.
        gyro: float64 [n, 3] rad/s in camera axes (x right, y down, z forward) at motion.GYRO_HZ.
        sheet: float64 [4, 2], the sheet's corners in the first frame in pixels, clockwise from the
            writing's top left; None when there is no sheet.
        simulated: always True: no figure made with this may be quoted as if people had done it.
    """

    jpeg: bytes
    frames: list[Picture]
    gyro: Doubles
    sheet: Doubles | None
    simulated: bool = True


def render(
    photo: NDArray[np.uint8],
    *,
    code: str | None,
    seed: int,
    size: tuple[int, int] = (1280, 960),
    frames: int = 1,
    held: bool = True,
    exif: Exif | None = None,
) -> Shot:
    """A simulated capture of the scene in `photo`; the same arguments give the same bytes.

    Args:
        photo: sRGB uint8 [h, w, 3], or grey [h, w].
        code: letters A-Z, digits, hyphen or space to be written on the sheet; None for no sheet.
        size: (width, height) of the pictures, both even and at least 64.
        frames: how many pictures, at FPS.
        held: the sheet is held up by a hand; False: it lies on a surface (a table, a floor).

    Raises:
        ValueError: the photo is not uint8 [h, w(, 3)], or a size or frame count is out of range.
    """
    _check(photo, size, frames)
    rng = np.random.default_rng(seed)
    scene = to_light(_fit(photo, size))
    depth = _inverse_depth(scene, size)
    focal = _FOCAL * size[0]
    sheet = make_sheet(code, not held, focal, size, rng) if code else None
    light = light_on_paper(_middle(scene, size), rng)
    motion = hold(frames, FPS, rng)
    pictures, first = [], None
    for turn, shift in zip(motion.rotations, motion.shifts, strict=True):
        seen = _look(scene, depth, turn, shift, size)
        if sheet:
            pixels = _project(sheet, turn, shift, focal, size)
            first = pixels if first is None else first
            seen = draw_sheet(sheet, seen, pixels, light)
        blurred = cv2.GaussianBlur(seen, (0, 0), 0.55 * size[0] / 1280 + 0.1)
        pictures.append(expose(np.asarray(blurred, np.float32), rng))
    quality = int(rng.integers(88, 96))
    return Shot(encode(pictures[0], quality=quality, exif=exif), pictures, motion.gyro, first)


def mjpeg(shot: Shot, path: Path) -> None:
    """Writes the shot as a clip for Chromium's `--use-file-for-fake-video-capture`.

    The file is JPEG pictures one after another, there and back again so that the loop has no jump;
    the name must end in `.mjpeg`, Chromium goes by it.

    Raises:
        ValueError: another file name.
    """
    if path.suffix != ".mjpeg":
        raise ValueError(f"Chromium takes only *.mjpeg, not {path.name}")
    there_and_back = shot.frames + shot.frames[-2:0:-1]
    path.write_bytes(b"".join(encode(picture) for picture in there_and_back))


def _check(photo: NDArray[np.uint8], size: tuple[int, int], frames: int) -> None:
    if photo.dtype != np.uint8 or not (photo.ndim == 2 or (photo.ndim == 3 and photo.shape[2] == 3)):
        raise ValueError(f"a photo is uint8 [h, w, 3] or [h, w], not {photo.dtype} {photo.shape}")
    if min(size) < 64 or size[0] % 2 or size[1] % 2:
        raise ValueError(f"size is two even numbers of at least 64, not {size}")
    if not 1 <= frames <= 600:
        raise ValueError(f"frames is 1..600, not {frames}")


def _fit(photo: NDArray[np.uint8], size: tuple[int, int]) -> Picture:
    """The photo cut to the picture's shape about its middle and scaled to the overscanned size."""
    colour = photo if photo.ndim == 3 else np.repeat(photo[..., None], 3, axis=2)
    height, width = colour.shape[:2]
    shape = size[0] / size[1]
    cut_w, cut_h = min(width, round(height * shape)), min(height, round(width / shape))
    left, top = (width - cut_w) // 2, (height - cut_h) // 2
    wide, high = (round(side * _OVERSCAN / 2) * 2 for side in size)
    piece = colour[top : top + cut_h, left : left + cut_w]
    shrinking = cut_w > wide
    flags = cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(piece, (wide, high), interpolation=flags), np.uint8)


def _middle(scene: Floats, size: tuple[int, int]) -> Floats:
    """The part of the overscanned scene that a still phone sees."""
    top, left = (scene.shape[0] - size[1]) // 2, (scene.shape[1] - size[0]) // 2
    return scene[top : top + size[1], left : left + size[0]]


def _inverse_depth(scene: Floats, size: tuple[int, int]) -> Floats:
    """1/metres at each pixel of the scene, float32 [h, w], guessed from the picture alone.

    A ground plane runs from the lower edge to a horizon a little above the middle. A patch of one
    colour that rises over the horizon stands on the ground where its lowest pixels are, at one of a
    few depths. It is a guess: it gives parallax of the right size, not the right scene.
    """
    height, width = scene.shape[:2]
    rows = np.arange(height, dtype=np.float32)[:, None] - 0.44 * height
    ground = np.maximum(rows / (_FOCAL * size[0] * _EYE_HEIGHT_M), 1 / _FAR_M)
    depth = np.repeat(ground, width, axis=1)
    steps = np.linspace(1 / _FAR_M, float(ground.max()), _BANDS + 1)[:-1]
    for patch in _patches(scene):
        tall = cv2.resize(patch, (width, height), interpolation=cv2.INTER_NEAREST) > 0
        lowest = int(np.quantile(np.nonzero(tall)[0], 0.97))
        band = steps[np.searchsorted(steps, ground[lowest, 0], side="right") - 1]
        depth[tall] = np.maximum(depth[tall], band)
    return np.asarray(cv2.GaussianBlur(depth.astype(np.float32), (0, 0), 4), np.float32)


def _patches(scene: Floats) -> list[Picture]:
    """Connected patches of like colour that rise over the horizon and end below it; uint8 masks 120 x 160."""
    small = cv2.resize(scene, (160, 120), interpolation=cv2.INTER_AREA)
    calm = cv2.pyrMeanShiftFiltering((np.sqrt(small) * 255).astype(np.uint8), 5, 24)
    key = (calm // 48).astype(np.int32) @ np.array([36, 6, 1], np.int32)
    found = []
    for colour in np.unique(key):
        count, labels, stats, _ = cv2.connectedComponentsWithStats((key == colour).astype(np.uint8))
        for k in range(1, count):
            top, high = int(stats[k, cv2.CC_STAT_TOP]), int(stats[k, cv2.CC_STAT_HEIGHT])
            if stats[k, cv2.CC_STAT_AREA] > 150 and 4 < top < 50 and top + high > 62:
                found.append((labels == k).astype(np.uint8))
    return found


def _look(scene: Floats, depth: Floats, turn: Doubles, shift: Doubles, size: tuple[int, int]) -> Floats:
    """The scene as the phone sees it from a pose, linear light float32 [h, w, 3].

    A ray n (z = 1) from the shifted phone meets the scene where its own inverse depth r says:
    n * (1 - shift_z * r) + shift_xy * r, solved by three rounds of substitution.
    """
    width, height = size
    focal = _FOCAL * width
    middle = np.array([(scene.shape[1] - 1) / 2, (scene.shape[0] - 1) / 2])
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    rays = np.stack([(x - (width - 1) / 2) / focal, (y - (height - 1) / 2) / focal, np.ones_like(x)], axis=-1)
    rays = rays @ turn.T.astype(np.float32)
    flat = rays[..., :2] / rays[..., 2:]
    at = flat
    for _ in range(3):
        near = _sample(depth, at * focal + middle, cv2.INTER_LINEAR)[..., None]
        at = flat * (1 - shift[2] * near) + shift[:2].astype(np.float32) * near
    return np.maximum(_sample(scene, at * focal + middle, cv2.INTER_CUBIC), np.float32(0))


def _sample(picture: Floats, where: NDArray[Any], how: int) -> Floats:
    """The picture at float positions [h, w, 2] (x, y); beyond its edge it is mirrored."""
    x, y = where[..., 0].astype(np.float32), where[..., 1].astype(np.float32)
    return np.asarray(cv2.remap(picture, x, y, how, borderMode=cv2.BORDER_REFLECT), np.float32)


def _project(sheet: Sheet, turn: Doubles, shift: Doubles, focal: float, size: tuple[int, int]) -> Doubles:
    """Where the sheet's corners fall in the picture, float64 [4, 2] pixels."""
    seen = (sheet.corners - shift) @ turn
    return np.asarray(seen[:, :2] / seen[:, 2:] * focal + np.array([(size[0] - 1) / 2, (size[1] - 1) / 2]))
