"""Made-up pages with crisp edges: an instrument's panel, a list, a chart, lines of text.

Photographs alone, on every simulated screen, taught a net that crisp edges are a true scene's (LOG.md,
2026-11-27). So a part of all that stands before the lab's camera, scenes, screens and prints alike, is drawn.
Small displays show letters made of whole pixels, which no smoothing softens: such pages are drawn `crisp`, in
the display's own pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from verification.picture import Pixels

SIZE = (1280, 960)
_LEAST_LETTER = 8  # pixels: what a small display's own letters are high
_LETTERS = list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:%-")
_Colour: TypeAlias = tuple[int, int, int]
_Box: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What is drawn on, with what ink; `scale` of lengths that are given in pixels of `SIZE`."""

    draw: ImageDraw.ImageDraw
    ink: _Colour
    scale: float

    def length(self, rng: np.random.Generator, low: int, high: int) -> int:
        """Pixels, one at least."""
        return max(1, round(int(rng.integers(low, high)) * self.scale))

    def font(self, pixels: float) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
        """Letters so high, but never too small to be letters."""
        return ImageFont.load_default(max(_LEAST_LETTER, round(pixels)))


def page(rng: np.random.Generator, size: tuple[int, int] = SIZE, crisp: bool = False) -> Pixels:
    """A drawn page, uint8[h, w, 3], of one to four panels, dark on light or light on dark.

    Args:
        size: (w, h), 128 by 96 at least.
        crisp: letters of whole pixels, as a small display shows them; else with smooth edges.
    """
    dark = bool(rng.random() < 0.5)
    ground, ink = (_tone(rng, 0, 60), _bright(rng)) if dark else (_tone(rng, 190, 255), _tone(rng, 0, 70))
    image = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1" if crisp else "L"
    sheet = _Sheet(draw, ink, size[0] / SIZE[0])
    columns, rows = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    wide, high, rim = size[0] // columns, size[1] // rows, max(2, round(16 * sheet.scale))
    for at in range(columns * rows):
        left, top = at % columns * wide, at // columns * high
        box = (left + rim, top + rim, left + wide - rim, top + high - rim)
        _PANELS[int(rng.integers(len(_PANELS)))](sheet, box, rng)
    return np.asarray(image, np.uint8)


def _tone(rng: np.random.Generator, low: int, high: int) -> _Colour:
    red, green, blue = (int(one) for one in rng.integers(low, high + 1, 3))
    return red, green, blue


def _bright(rng: np.random.Generator) -> _Colour:
    """What shines on a dark page: nearly white or, every other time, a display's own full colours."""
    if rng.random() < 0.5:
        return _tone(rng, 170, 255)
    full = rng.permutation([255, int(rng.integers(0, 256)), 0])
    return int(full[0]), int(full[1]), int(full[2])


def _word(rng: np.random.Generator, most: int) -> str:
    return "".join(rng.choice(_LETTERS, int(rng.integers(2, most + 1))))


def _text(sheet: _Sheet, box: _Box, rng: np.random.Generator) -> None:
    size = max(_LEAST_LETTER, sheet.length(rng, 14, 56))
    font, line = sheet.font(size), round(size * 1.3)
    for y in range(box[1], box[3] - line, line):
        words = " ".join(_word(rng, 9) for _ in range(max(1, (box[2] - box[0]) // (4 * size))))
        sheet.draw.text((box[0], y), words, sheet.ink, font)


def _rows(sheet: _Sheet, box: _Box, rng: np.random.Generator) -> None:
    high = max(2 * _LEAST_LETTER, sheet.length(rng, 30, 90))
    font, chosen = sheet.font(high * 0.6), int(rng.integers(4))
    gap, inset = max(1, round(4 * sheet.scale)), round(12 * sheet.scale)
    for number, y in enumerate(range(box[1], box[3] - high, high)):
        row = (box[0], y, box[2], y + high - gap)
        filled = _tone(rng, 60, 200) if number == chosen else None
        sheet.draw.rectangle(row, filled, sheet.ink, sheet.length(rng, 1, 4))
        said = f"{_word(rng, 10)}  {rng.integers(1000) / 10}"
        sheet.draw.text((box[0] + inset, y + high * 0.15), said, sheet.ink, font)


def _gauge(sheet: _Sheet, box: _Box, rng: np.random.Generator) -> None:
    radius = min(box[2] - box[0], box[3] - box[1]) / 2 - 8 * sheet.scale
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    broad = sheet.length(rng, 1, 8)
    sheet.draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=sheet.ink, width=broad)
    for angle in np.linspace(0.75 * np.pi, 2.25 * np.pi, int(rng.integers(8, 30))):
        out, inner = radius * np.array([np.cos(angle), np.sin(angle)]), 0.88
        ends = (x + inner * out[0], y + inner * out[1], x + out[0], y + out[1])
        sheet.draw.line(ends, sheet.ink, broad)
    angle, hand = rng.uniform(0.75, 2.25) * np.pi, 0.8 * radius
    ends = (x, y, x + hand * np.cos(angle), y + hand * np.sin(angle))
    sheet.draw.line(ends, _tone(rng, 40, 255), broad + max(1, round(2 * sheet.scale)))
    at = (x - radius * 0.3, y + radius * 0.3)
    sheet.draw.text(at, f"{rng.integers(1000) / 10}", sheet.ink, sheet.font(48 * sheet.scale))


def _chart(sheet: _Sheet, box: _Box, rng: np.random.Generator) -> None:
    for share in np.linspace(0, 1, int(rng.integers(4, 12))):
        y = box[1] + share * (box[3] - box[1])
        sheet.draw.line((box[0], y, box[2], y), sheet.ink, 1)
    for _ in range(int(rng.integers(1, 4))):
        walk = np.cumsum(rng.normal(0, 1, 60))
        walk = (walk - walk.min()) / (np.ptp(walk) + 1e-6)
        across = np.linspace(box[0], box[2], len(walk))
        points = [
            (float(x), float(box[3] - v * (box[3] - box[1]))) for x, v in zip(across, walk, strict=True)
        ]
        sheet.draw.line(points, _tone(rng, 40, 255), sheet.length(rng, 1, 6))


_PANELS: tuple[Callable[[_Sheet, _Box, np.random.Generator], None], ...] = (_text, _rows, _gauge, _chart)
