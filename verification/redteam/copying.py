"""Selling a picture twice: an accepted capture, changed, handed in by another account."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from verification.redteam.workshop import Sample, Workshop

Edit = Callable[[Image.Image], Image.Image]


def resold(workshop: Workshop, edit: Edit, note: str = "") -> Sample:
    """The sample: the original in memory among others, its edited copy in hand.

    Half the copies are handed in near where the original was, half on another continent, where only the
    picture itself can be recognised. The copy leaves through the same writer as every honest file.
    """
    original = workshop.jpeg(workshop.still().rgb)
    copy = edit(Image.open(io.BytesIO(original)).convert("RGB"))
    return among_others(workshop, workshop.jpeg(np.asarray(copy.convert("RGB"), np.uint8)), original, note)


def among_others(workshop: Workshop, media: bytes, original: bytes, note: str = "") -> Sample:
    """The media in hand; the original and an unrelated capture in memory."""
    near = bool(workshop.rng.integers(2))
    unrelated = workshop.jpeg(workshop.photograph(workshop.other()))
    memory = [workshop.earlier(original, near=near), workshop.earlier(unrelated, near=near)]
    evidence = workshop.evidence(media)
    return workshop.sample(evidence, memory, note=f"{note} {'near' if near else 'far'}".strip())


def warped(image: Image.Image, corners: list[tuple[float, float]]) -> Image.Image:
    """The picture whose corners (clockwise from top left) come from these places of `image`, in pixels."""
    width, height = image.size
    flat = [(0, 0), (width, 0), (width, height), (0, height)]
    rows, sought = [], []
    for (x, y), (u, v) in zip(flat, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        sought += [u, v]
    solved = np.linalg.solve(np.array(rows, float), np.array(sought, float))
    return image.transform(
        image.size, Image.Transform.PERSPECTIVE, tuple(solved.tolist()), Image.Resampling.BICUBIC
    )


def cropped(image: Image.Image, share: float, rng: np.random.Generator) -> Image.Image:
    """A part of the picture that lacks `share` of each side, anywhere in it."""
    width, height = image.size
    wide, high = round(width * (1 - share)), round(height * (1 - share))
    left, top = int(rng.integers(width - wide + 1)), int(rng.integers(height - high + 1))
    return image.crop((left, top, left + wide, top + high))
