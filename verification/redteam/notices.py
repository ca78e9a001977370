"""Posters, notices and price lists: flat subjects that stand in a scene, and the second person before one.

A poster is a photograph or a page of text, in print finer than the camera can show, on something flat that
stands before a scene with depth: what most askers want read. `stand_at` moves a hand to another spot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from market.simulator.flat import Flat, printed
from market.simulator.motion import Motion, hold
from market.simulator.scene import Relief
from market.simulator.sensor import Floats
from market.simulator.view import View
from verification.redteam.lens import FPS, SIZE, Camera
from verification.redteam.photographs import Pixels
from verification.redteam.workshop import Sample, Workshop

_WORDS = (
    *("open", "closed", "monday", "friday", "hours", "price", "today", "fresh", "bread", "coffee", "tea"),
    *("soup", "salad", "large", "small", "platform", "track", "train", "bus", "line", "stop", "exit"),
    *("entrance", "notice", "please", "staff", "water", "free", "parking", "repair", "service", "street"),
    *("office", "second", "floor", "call", "ring", "room", "rent", "garden", "school", "market", "fish"),
)
_PAGE = (1500, 1125)  # pixels of a rendered page, the long and the short side


@dataclass(frozen=True, slots=True)
class Posted:
    """A poster before a scene.

    Attributes:
        poster: the flat thing; its own `behind` is not looked at.
        behind: the scene around it.
    """

    poster: Flat
    behind: Relief

    def look(self, view: View) -> Floats:
        """The poster over the scene, which is as fine as the picture."""
        behind = self.behind.shrunk(min(1.0, view.focal / self.behind.focal))
        return replace(self.poster, behind=behind).look(view)

    def light(self, view: View, rng: np.random.Generator) -> Floats:
        """The scene's light."""
        return self.behind.light(view, rng)


def posted(
    workshop: Workshop, picture: Pixels, *, share: tuple[float, float], away_m: tuple[float, float]
) -> Posted:
    """A picture in print before the base's scene.

    Args:
        picture: uint8[h, w, 3]; a poster is upright where it is.
        share: the range of the photo's area that it covers, as first aimed at.
        away_m: the range of its distance.
    """
    rng, camera = workshop.rng, workshop.camera
    upright = picture.shape[0] > picture.shape[1]
    size = (SIZE[1] * 3 // 4, SIZE[1]) if upright else SIZE
    part = float(rng.uniform(*share))
    wide = min(float(np.sqrt(part * size[0] / size[1] * SIZE[1] / SIZE[0])), 0.97 * size[0] / SIZE[0])
    flat = printed(
        picture,
        rng,
        focal=camera.phone.focal,
        size=size,
        pitch=float(rng.uniform(0.2, 0.45)) * size[0] / SIZE[0],
        fill=wide,
        distance_m=away_m,
    )
    spare = np.maximum(0, 1 - np.array([wide, wide * size[1] / size[0] * SIZE[0] / SIZE[1]]))
    aside = rng.uniform(-0.35, 0.35, 2) * spare * np.array([1, SIZE[1] / SIZE[0]])
    metres = float(np.linalg.norm(flat.right)) / wide
    flat = replace(flat, corner=flat.corner + np.array([*aside, 0]) * metres)
    return Posted(flat, camera.relief(workshop.base.rgb))


def stand_at(motion: Motion, metres: float, degrees: float, rng: np.random.Generator) -> Motion:
    """The same hand at another spot: so far aside and turned by so much (standard deviations an axis)."""
    turn = cv2.Rodrigues(np.radians(rng.normal(0, degrees, 3)))[0]
    shift = rng.normal(0, metres, 3)
    return replace(motion, rotations=turn @ motion.rotations, shifts=motion.shifts @ turn.T + shift)


def page(rng: np.random.Generator, *, prices: bool) -> Pixels:
    """A rendered notice, or a list of prices: uint8[h, w, 3], upright or not."""
    long, short = _PAGE
    width, height = (long, short) if rng.random() < 0.4 else (short, long)
    paper = tuple(int(tone) for tone in rng.integers((215, 215, 190), 256))
    ink = tuple(int(tone) for tone in rng.integers(0, (70, 70, 110)))
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    title, body = int(rng.uniform(0.07, 0.12) * width), int(rng.uniform(0.028, 0.05) * width)
    left, top = int(rng.uniform(0.05, 0.1) * width), int(0.06 * height)
    draw.text((left, top), _said(rng, 2).upper(), font=ImageFont.load_default(title), fill=ink)
    if rng.random() < 0.6:
        band = tuple(int(tone) for tone in rng.integers(40, 230, 3))
        draw.rectangle((0, height - int(0.08 * height), width, height), fill=band)
    y, font = top + int(1.6 * title), ImageFont.load_default(body)
    while y < 0.86 * height:
        draw.text((left, y), _said(rng, int(rng.integers(2, 4 if prices else 8))), font=font, fill=ink)
        if prices:
            cost = f"{rng.integers(1, 40)}.{rng.integers(0, 10)}0"
            draw.text((width - left - 3 * body, y), cost, font=font, fill=ink)
        y += int(body * rng.choice([1.35, 1.35, 1.35, 2.2]))
    return np.asarray(image, np.uint8)


def _said(rng: np.random.Generator, words: int) -> str:
    return " ".join(str(word) for word in rng.choice(_WORDS, words))


def photographed_twice(
    workshop: Workshop,
    *,
    share: tuple[float, float],
    away_m: tuple[float, float],
    spots: Sequence[tuple[float, float]],
    texts: float,
) -> Sample:
    """One poster and two honest people before it, or one twice: the earlier capture in memory.

    Args:
        share / away_m: as of `posted`.
        spots: metres and degrees between the two, one of them drawn (standard deviations an axis).
        texts: share of the posters that are pages of text; the others are photographs.
    """
    rng, mine = workshop.rng, workshop.camera
    shown = page(rng, prices=rng.random() < 0.5) if rng.random() < texts else workshop.other().rgb
    scene = posted(workshop, shown, share=share, away_m=away_m)
    apart = spots[int(rng.integers(len(spots)))]
    same = rng.random() < 0.5
    earlier = replace(mine, conditions=Camera.draw(rng, workshop.split).conditions) if same else None
    theirs = earlier or Camera.draw(rng, workshop.split)
    sheet = theirs.sheet(workshop.new_code(), rng) if workshop.tier and rng.random() < 0.5 else None
    before = theirs.photo(scene, stand_at(hold(1, FPS, rng), *apart, rng), rng, sheet)
    memory = [workshop.earlier(workshop.jpeg(before.rgb))]
    note = f"{apart[0]} m {apart[1]} deg, {'same phone' if same else 'other phone'}"
    return workshop.sample(workshop.evidence(workshop.shoot(scene)), memory, note=note)
