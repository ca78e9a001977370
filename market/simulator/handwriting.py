"""Capital letters and digits as a person writes them with a marker: strokes, not a font.

Each glyph is a few strokes on a grid 6 wide and 10 high (y up, baseline 0). A stroke that begins
with `~` is drawn as a curve through its points, any other as straight lines. Every time a glyph is
written its points, slant, size and baseline wander a little, so no two writings are alike.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# One point is two characters: x in 0..6, y in 0..A (A = 10).
_STROKES = {
    "A": "00 3A 60;13 53",
    "B": "00 0A;~0A 4A 59 57 45 05;~05 45 63 61 40 00",
    "C": "~68 59 3A 19 07 03 11 30 51 62",
    "D": "00 0A;~0A 3A 67 63 30 00",
    "E": "6A 0A 00 60;05 45",
    "F": "6A 0A 00;05 45",
    "G": "~68 59 3A 19 07 03 11 30 51 62;62 65 35",
    "H": "0A 00;6A 60;05 65",
    "I": "3A 30;1A 5A;10 50",
    "J": "2A 6A;~5A 55 42 30 10 02",
    "K": "0A 00;6A 05 60",
    "L": "0A 00 60",
    "M": "00 0A 34 6A 60",
    "N": "00 0A 60 6A",
    "O": "~3A 19 07 03 11 30 51 63 67 59 3A",
    "P": "00 0A;~0A 4A 68 55 04",
    "Q": "~3A 19 07 03 11 30 51 63 67 59 3A;43 60",
    "R": "00 0A;~0A 4A 68 55 04;24 60",
    "S": "~69 4A 19 17 35 54 62 40 20 01",
    "T": "0A 6A;3A 30",
    "U": "~0A 04 11 30 51 64 6A",
    "V": "0A 30 6A",
    "W": "0A 10 37 50 6A",
    "X": "0A 60;6A 00",
    "Y": "0A 35 6A;35 30",
    "Z": "0A 6A 00 60",
    "0": "~3A 19 17 13 11 30 51 53 57 59 3A",
    "1": "17 3A 30;10 50",
    "2": "~08 2A 4A 58 45 22 00;00 60",
    "3": "~09 2A 4A 58 46 25;~25 54 62 40 20 01",
    "4": "4A 03 63;4A 40",
    "5": "5A 0A 06;~06 36 54 52 30 01",
    "6": "~5A 28 15 02 20 40 62 45 25 03",
    "7": "0A 6A 20",
    "8": "~3A 19 17 25 46 63 61 40 20 01 03 26 45 57 59 3A",
    "9": "~68 56 35 16 08 1A 4A 68 65 52 30",
    "-": "15 55",
}
_PEN = 1.0  # width of the marker in grid units
_ADVANCE = 9.0  # from one glyph's left edge to the next


def write(text: str, rng: np.random.Generator, *, height: int = 160) -> Floats:
    """Ink coverage 0..1 of `text` in one line, float32 [h, w]; a capital is about `height` pixels high.

    Letters are written as capitals; a space is a gap.

    Raises:
        ValueError: a character that is no letter A-Z, digit, hyphen or space.
    """
    text = text.upper()
    unknown = set(text) - set(_STROKES) - {" "}
    if unknown:
        raise ValueError(f"no strokes for {sorted(unknown)}")
    unit = height / 10
    margin = 3 * unit
    width = int((len(text) * _ADVANCE - 2) * unit + 2 * margin)
    ink = np.zeros((int(10 * unit + 2 * margin), width), np.uint8)
    slope = rng.uniform(-0.02, 0.02)
    for place, letter in enumerate(text):
        if letter == " ":
            continue
        left = margin + place * _ADVANCE * unit + rng.normal(0, 0.25 * unit)
        base = ink.shape[0] - margin + slope * left + rng.normal(0, 0.2 * unit)
        for stroke in _glyph(letter, rng):
            pixels = stroke * (unit, -unit) + (left, base)
            _draw(ink, pixels, _PEN * unit * rng.uniform(0.85, 1.15))
    return np.asarray(cv2.GaussianBlur(ink, (0, 0), 0.06 * unit) / 255, np.float32)


def _glyph(letter: str, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """The strokes of one writing of a letter, each float [n, 2] in grid units."""
    slant, grow = rng.normal(0.06, 0.04), rng.normal(1.0, 0.04)
    turn = rng.normal(0, 0.03)
    shape = grow * np.array([[np.cos(turn), np.sin(turn)], [slant - np.sin(turn), np.cos(turn)]])
    strokes = []
    for written in _STROKES[letter].split(";"):
        points = np.array([(int(p[0]), int(p[1], 16)) for p in written.lstrip("~").split()], float)
        closed = bool((points[0] == points[-1]).all())
        points += rng.normal(0, 0.14, points.shape)
        if closed:
            points[-1] = points[0] + rng.normal(0, 0.1, 2)
        strokes.append((_curve(points) if written.startswith("~") else points) @ shape)
    return strokes


def _curve(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A Catmull-Rom curve through the points, 8 steps a span."""
    ends = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = np.linspace(0, 1, 8, endpoint=False)[:, None]
    spans = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        spans.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        )
    return np.vstack([*spans, points[-1:]])


def _draw(ink: NDArray[np.uint8], pixels: NDArray[np.float64], width: float) -> None:
    """One stroke of a round pen, drawn in place with 1/16-pixel coordinates."""
    fixed = np.round(pixels * 16).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(ink, [fixed], False, 255, max(1, round(width)), cv2.LINE_AA, 4)
