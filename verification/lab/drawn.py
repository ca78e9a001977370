"""Made-up pages with crisp edges: an instrument's panel, a list, a chart, lines of text.

Photographs alone, on every simulated screen, taught a net that crisp edges are a true scene's (LOG.md,
2026-11-27). So a part of all that stands before the lab's camera, scenes, screens and prints alike, is drawn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from verification.picture import Pixels

SIZE = (1280, 960)
_LETTERS = list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:%-")
_Colour = tuple[int, int, int]


def page(rng: np.random.Generator) -> Pixels:
    """A drawn page, uint8[960, 1280, 3], of one to four panels, dark on light or light on dark."""
    dark = bool(rng.random() < 0.5)
    ground, ink = (
        (_tone(rng, 0, 60), _tone(rng, 170, 255)) if dark else (_tone(rng, 190, 255), _tone(rng, 0, 70))
    )
    image = Image.new("RGB", SIZE, ground)
    draw = ImageDraw.Draw(image)
    columns, rows = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    wide, high = SIZE[0] // columns, SIZE[1] // rows
    for at in range(columns * rows):
        left, top = at % columns * wide, at // columns * high
        box = (left + 16, top + 16, left + wide - 16, top + high - 16)
        panel = _PANELS[int(rng.integers(len(_PANELS)))]
        panel(draw, box, ink, rng)
    return np.asarray(image, np.uint8)


def _tone(rng: np.random.Generator, low: int, high: int) -> _Colour:
    red, green, blue = (int(one) for one in rng.integers(low, high + 1, 3))
    return red, green, blue


def _word(rng: np.random.Generator, most: int) -> str:
    return "".join(rng.choice(_LETTERS, int(rng.integers(2, most + 1))))


def _text(draw: ImageDraw.ImageDraw, box: tuple[int, ...], ink: _Colour, rng: np.random.Generator) -> None:
    size = int(rng.integers(14, 56))
    font, line = ImageFont.load_default(size), round(size * 1.3)
    for y in range(box[1], box[3] - line, line):
        words = " ".join(_word(rng, 9) for _ in range(max(1, (box[2] - box[0]) // (4 * size))))
        draw.text((box[0], y), words, ink, font)


def _rows(draw: ImageDraw.ImageDraw, box: tuple[int, ...], ink: _Colour, rng: np.random.Generator) -> None:
    high = int(rng.integers(30, 90))
    font, chosen = ImageFont.load_default(round(high * 0.6)), int(rng.integers(4))
    for number, y in enumerate(range(box[1], box[3] - high, high)):
        row = (box[0], y, box[2], y + high - 4)
        draw.rectangle(row, _tone(rng, 60, 200) if number == chosen else None, ink, int(rng.integers(1, 4)))
        draw.text((box[0] + 12, y + high * 0.15), f"{_word(rng, 10)}  {rng.integers(1000) / 10}", ink, font)


def _gauge(draw: ImageDraw.ImageDraw, box: tuple[int, ...], ink: _Colour, rng: np.random.Generator) -> None:
    radius = min(box[2] - box[0], box[3] - box[1]) / 2 - 8
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    broad = int(rng.integers(1, 8))
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=ink, width=broad)
    for angle in np.linspace(0.75 * np.pi, 2.25 * np.pi, int(rng.integers(8, 30))):
        out, inner = radius * np.array([np.cos(angle), np.sin(angle)]), 0.88
        draw.line((x + inner * out[0], y + inner * out[1], x + out[0], y + out[1]), ink, broad)
    angle = rng.uniform(0.75, 2.25) * np.pi
    draw.line(
        (x, y, x + 0.8 * radius * np.cos(angle), y + 0.8 * radius * np.sin(angle)),
        _tone(rng, 40, 255),
        broad + 2,
    )
    draw.text(
        (x - radius * 0.3, y + radius * 0.3), f"{rng.integers(1000) / 10}", ink, ImageFont.load_default(48)
    )


def _chart(draw: ImageDraw.ImageDraw, box: tuple[int, ...], ink: _Colour, rng: np.random.Generator) -> None:
    for share in np.linspace(0, 1, int(rng.integers(4, 12))):
        y = box[1] + share * (box[3] - box[1])
        draw.line((box[0], y, box[2], y), ink, 1)
    for _ in range(int(rng.integers(1, 4))):
        walk = np.cumsum(rng.normal(0, 1, 60))
        walk = (walk - walk.min()) / (np.ptp(walk) + 1e-6)
        across = np.linspace(box[0], box[2], len(walk))
        points = [
            (float(x), float(box[3] - v * (box[3] - box[1]))) for x, v in zip(across, walk, strict=True)
        ]
        draw.line(points, _tone(rng, 40, 255), int(rng.integers(1, 6)))


_PANELS: tuple[Callable[..., None], ...] = (_text, _rows, _gauge, _chart)
