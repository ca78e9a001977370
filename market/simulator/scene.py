"""What stands before the simulated camera: a photograph given depth.

A `Scene` answers with linear light for a `View`. `Relief` is the honest one; the flat sources of cheats
(`market.simulator.flat`) are others, so that honest people and cheats share camera, hand and file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from market.simulator.sensor import Floats, Picture, to_light
from market.simulator.sheet import light_on_paper
from market.simulator.view import View

_EYE_HEIGHT_M = 1.4
_FAR_M = 30.0
_BANDS = 4
_PATCHWORK = (120, 160)  # rows and columns at which things are told apart
_COARSE = 320  # columns at which parallax is solved: it is smooth but at the edges of things


class Scene(Protocol):
    """Anything that can be photographed."""

    def look(self, view: View) -> Floats:
        """Linear light float32 [h, w, 3] from a point of view."""
        ...

    def light(self, view: View, rng: np.random.Generator) -> Floats:
        """Light that falls on a white thing held before the scene, float32 [h, w, 3]."""
        ...


@dataclass(frozen=True, slots=True)
class Relief:
    """A photograph with depth.

    Attributes:
        picture: linear light float32 [h, w, 3], larger than any view of it.
        nearness: float32 [h, w], 1/metres.
        focal: pixels of `picture` a unit of x/z.
    """

    picture: Floats
    nearness: Floats
    focal: float

    def look(self, view: View) -> Floats:
        """A ray n (z = 1) from the shifted phone meets the scene where its own nearness r says:
        n * (1 - shift_z * r) + shift_xy * r, solved by three rounds of substitution."""
        at = view.flat_rays(self.focal)
        at += self._parallax(view)
        seen = sample(self.picture, at)
        np.maximum(seen, 0, out=seen)
        if view.torch:
            white = np.float32(np.quantile(self.picture[::8, ::8].mean(axis=2), 0.9))
            near = sample(self.nearness, at, cv2.INTER_LINEAR)
            seen *= (1 + np.float32(view.torch) * near**2 / max(white, np.float32(0.05)))[..., None]
        return seen

    def light(self, view: View, rng: np.random.Generator) -> Floats:
        """The scene's own light, judged from what a still phone sees of it, however small."""
        ahead = View(np.eye(3), np.zeros(3), view.size, view.focal).resized(min(view.size[0], _COARSE))
        light = light_on_paper(self.shrunk(ahead.size[0] / view.size[0]).look(ahead), rng)
        return np.asarray(cv2.resize(light, view.size, interpolation=cv2.INTER_CUBIC), np.float32)

    def shrunk(self, factor: float) -> Relief:
        """The same scene for pictures `factor` times as wide (at most 1), without aliasing."""
        if factor == 1:
            return self
        to = (round(self.picture.shape[1] * factor), round(self.picture.shape[0] * factor))
        light = cv2.resize(self.picture, to, interpolation=cv2.INTER_AREA)
        near = cv2.resize(self.nearness, to, interpolation=cv2.INTER_AREA)
        scale = to[0] / self.picture.shape[1]
        return Relief(np.asarray(light, np.float32), np.asarray(near, np.float32), self.focal * scale)

    def _parallax(self, view: View) -> Floats:
        """What is added to `focal` times a far ray to find its point in the picture, float32 [h, w, 2]: the
        picture's middle, and how far the shift moves the point."""
        middle = np.array([(self.picture.shape[1] - 1) / 2, (self.picture.shape[0] - 1) / 2], np.float32)
        ahead = cv2.split(view.resized(min(view.size[0], _COARSE)).flat_rays(self.focal))
        aside, forth = view.shift[:2].astype(np.float32) * np.float32(self.focal), np.float32(view.shift[2])
        slide = [by - axis * forth for by, axis in zip(aside, ahead, strict=True)]  # of a thing at 1 m
        far = [axis + half for axis, half in zip(ahead, middle, strict=True)]
        moved = [np.zeros_like(axis) for axis in far]
        for _ in range(3):
            where = cv2.merge([start + by for start, by in zip(far, moved, strict=True)])
            near = sample(self.nearness, np.asarray(where, np.float32), cv2.INTER_LINEAR)
            moved = [axis * near for axis in slide]
        added = cv2.merge([by + half for by, half in zip(moved, middle, strict=True)])
        return np.asarray(cv2.resize(added, view.size, interpolation=cv2.INTER_LINEAR), np.float32)


def relief(
    photo: NDArray[np.uint8], size: tuple[int, int], focal: float, overscan: tuple[float, float]
) -> Relief:
    """The scene of a photograph for pictures of `size` (width, height), `focal` pixels.

    Args:
        photo: sRGB uint8 [h, w, 3] or [h, w]; it is cut to the shape of `size` about its middle.
        overscan: how much wider and higher than a picture the scene is.
    """
    light = to_light(_fit(photo, size, overscan))
    return Relief(light, inverse_depth(light, focal), focal)


def sample(picture: Floats, where: Floats, how: int = cv2.INTER_CUBIC) -> Floats:
    """The picture at positions float32 [h, w, 2] (x, y); beyond its edge it is mirrored."""
    seen = cv2.remap(picture, where, None, how, borderMode=cv2.BORDER_REFLECT)  # type: ignore[call-overload]
    return np.asarray(seen, np.float32)


def inverse_depth(scene: Floats, focal: float) -> Floats:
    """1/metres at each pixel of the scene, float32 [h, w], guessed from the picture alone.

    A ground plane runs from the lower edge to a horizon a little above the middle. A patch of one
    colour that rises over the horizon stands on the ground where its lowest pixels are, at one of a
    few depths. It is a guess: it gives parallax of the right size, not the right scene.
    """
    height, width = scene.shape[:2]
    rows = np.arange(height, dtype=np.float32)[:, None] - 0.44 * height
    ground = np.maximum(rows / (focal * _EYE_HEIGHT_M), 1 / _FAR_M)
    depth = np.repeat(ground, width, axis=1)
    steps = np.linspace(1 / _FAR_M, float(ground.max()), _BANDS + 1)[:-1]
    bands = np.zeros(_PATCHWORK, np.float32)
    for patch in _patches(scene):
        rows = cv2.resize(
            patch.sum(axis=1, dtype=np.float32)[:, None], (1, height), interpolation=cv2.INTER_NEAREST
        )
        filled = np.cumsum(rows)
        lowest = int(np.searchsorted(filled, 0.97 * filled[-1]))
        bands[patch > 0] = steps[np.searchsorted(steps, ground[lowest, 0], side="right") - 1]
    tall = cv2.resize(bands, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.GaussianBlur(cv2.max(depth, tall), (0, 0), 4), np.float32)


def _fit(photo: NDArray[np.uint8], size: tuple[int, int], overscan: tuple[float, float]) -> Picture:
    """The photo cut to the scene's shape about its middle and scaled to it."""
    colour = photo if photo.ndim == 3 else np.repeat(photo[..., None], 3, axis=2)
    height, width = colour.shape[:2]
    wide, high = (round(side * more / 2) * 2 for side, more in zip(size, overscan, strict=True))
    shape = wide / high
    cut_w, cut_h = min(width, round(height * shape)), min(height, round(width / shape))
    left, top = (width - cut_w) // 2, (height - cut_h) // 2
    piece = colour[top : top + cut_h, left : left + cut_w]
    flags = cv2.INTER_AREA if cut_w > wide else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(piece, (wide, high), interpolation=flags), np.uint8)


def _patches(scene: Floats) -> list[Picture]:
    """Connected patches of like colour that rise over the horizon and end below it; uint8 masks 120 x 160."""
    small = cv2.resize(scene, _PATCHWORK[::-1], interpolation=cv2.INTER_AREA)
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
