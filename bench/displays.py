"""Signs and displays to read, rendered into photographs: simulated, with known content.

Kinds: a printed sign with words, a printed number with its unit, a lit and a liquid-crystal seven-segment
display, a number written by hand, and a sign that says one of several choices ("closed"). A rendering leans,
is blurred and goes through JPEG.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.duplicates import jpeg
from market.simulator.handwriting import write
from verification.evidence import Json
from verification.picture import Pixels

KINDS = ("sign", "number", "led", "lcd", "hand", "choice")
UNITS = ("kWh", "bar", "m3", "km", "kg", "V", "cm", "L")
_PLACES = """
BAKERY LIBRARY STATION MARKET HARBOUR GARDEN MUSEUM PHARMACY CLOSED MONDAY SUNDAY TICKETS PLATFORM EXIT
NORTH SOUTH LIFT OFFICE SCHOOL BRIDGE WATER DANGER TOWER COFFEE HOTEL PARKING ENTRANCE REPAIR
"""
_WORDS = _PLACES.split()
_CHOICES = (
    ("open", "closed"),
    ("in stock", "sold out"),
    ("on time", "delayed", "cancelled"),
    ("vacant", "occupied"),
)
_AROUND = ("{}", "SORRY, {}", "WE ARE {}", "{} TODAY")
# Segments a..g of a digit: top, upper right, lower right, bottom, lower left, upper left, middle.
_SEGMENTS = {
    "0": "abcdef", "1": "bc", "2": "abged", "3": "abgcd", "4": "fgbc", "5": "afgcd", "6": "afgedc",
    "7": "abc", "8": "abcdefg", "9": "abfgcd", "-": "g",
}  # fmt: skip
_LINES = {
    "a": (0, 0, 1, 0), "b": (1, 0, 1, 1), "c": (1, 1, 1, 2), "d": (0, 2, 1, 2),
    "e": (0, 1, 0, 2), "f": (0, 0, 0, 1), "g": (0, 1, 1, 1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Content:
    """What a display says: its text as shown, and as an answer with the answer's JSON Schema."""

    kind: str
    shown: str
    answer: Json
    schema: dict[str, Json]


def content(kind: str, source: random.Random) -> Content:
    """Something for a display of this kind to say."""
    if kind == "sign":
        text = " ".join(source.sample(_WORDS, 2))
        return Content(kind, text, text.title(), {"type": "string"})
    if kind == "choice":
        offered = source.choice(_CHOICES)
        said = source.choice(offered)
        schema: dict[str, Json] = {"enum": list(offered)}
        return Content(kind, source.choice(_AROUND).format(said.upper()), said, schema)
    places = 0 if kind == "hand" else source.choice((0, 1, 1, 2))
    digits = source.choice((2, 3)) if places else source.choice((3, 4, 5))
    whole = source.randint(10 ** (digits - 1), 10**digits - 1)
    value = whole if not places else whole + source.randint(1, 10**places - 1) / 10**places
    return _number(kind, round(value, places), places, source)


def _number(kind: str, value: float, places: int, source: random.Random) -> Content:
    unit = source.choice(UNITS)
    text = f"{value:.{places}f}"
    if kind == "number":
        text = text.replace(".", source.choice(".,"))
        return Content(kind, f"{text} {unit}", {"value": value, "unit": unit}, {"type": "object"})
    return Content(kind, text, value, {"type": "number"})


def nearly(right: Content, source: random.Random) -> Json:
    """A wrong answer that looks like the right one: a digit or a letter changed, or the point moved; another
    choice where there are some."""
    offered = right.schema.get("enum")
    if isinstance(offered, list):
        return source.choice([choice for choice in offered if choice != right.answer])
    if isinstance(right.answer, str):
        at = source.choice([n for n, letter in enumerate(right.answer) if letter != " "])
        other = source.choice("aeiourst".replace(right.answer[at].lower(), ""))
        return right.answer[:at] + other + right.answer[at + 1 :]
    value = right.answer["value"] if isinstance(right.answer, dict) else right.answer
    text = f"{value:g}"
    wrong = text
    while wrong == text or float(wrong) == float(text):
        at = source.choice([n for n, letter in enumerate(text) if letter.isdigit()])
        digit = source.choice("0123456789") if at else source.choice("123456789")
        wrong = text[:at] + digit + text[at + 1 :]
        if "." in text and source.random() < 0.2:
            wrong = f"{float(text) * 10:g}"
    number: Json = float(wrong)
    return {**right.answer, "value": number} if isinstance(right.answer, dict) else number


def drawn(shows: Content, source: random.Random) -> Pixels:
    """The display itself, seen straight on."""
    if shows.kind in ("led", "lcd"):
        return _segments(shows.shown, shows.kind, source)
    if shows.kind == "hand":
        rng = np.random.default_rng(source.randrange(1 << 30))
        ink = write(shows.shown, rng, height=110)[..., None]
        return (ink * (30, 30, 60) + (1 - ink) * (232, 232, 226)).astype(np.uint8)
    size = 90
    font = ImageFont.load_default(size)
    left, top, right, bottom = (int(edge) for edge in font.getbbox(shows.shown))
    ground, ink_colour = source.choice((((238, 236, 230), (25, 28, 60)), ((20, 60, 140), (240, 240, 240))))
    sheet = Image.new("RGB", (right - left + 2 * size, bottom - top + size), ground)
    ImageDraw.Draw(sheet).text((size - left, size // 2 - top), shows.shown, font=font, fill=ink_colour)
    return np.asarray(sheet, np.uint8)


def _segments(text: str, kind: str, source: random.Random) -> Pixels:
    """Seven-segment digits, 60 x 110 pixels each, slanting a little."""
    wide, tall, step = 60, 55, 95
    digits = len(text.replace(".", ""))
    ground, ink = ((18, 10, 10), (255, 60, 40)) if kind == "led" else ((158, 170, 140), (38, 44, 36))
    if kind == "led" and source.random() < 0.5:
        ink = (90, 255, 120)
    sheet = np.full((2 * tall + 90, digits * step + 70, 3), ground, np.uint8)
    x, slant = 45, 0.1
    for letter in text:
        if letter == ".":
            cv2.circle(sheet, (x - 18, 45 + 2 * tall), 8, ink, -1, cv2.LINE_AA)
            continue
        for name in _SEGMENTS[letter]:
            x0, y0, x1, y1 = _LINES[name]
            ends = [(x + wide * a + slant * tall * (2 - b), 45 + tall * b) for a, b in ((x0, y0), (x1, y1))]
            (ax, ay), (bx, by) = (np.array(end) for end in ends)
            gap = 0.14 * np.array([bx - ax, by - ay])
            start, stop = np.round(np.array([ax, ay]) + gap), np.round(np.array([bx, by]) - gap)
            cv2.line(sheet, start.astype(int).tolist(), stop.astype(int).tolist(), ink, 13, cv2.LINE_AA)
        x += step
    glow = cv2.GaussianBlur(sheet, (0, 0), 6) if kind == "led" else sheet
    return np.maximum(sheet, glow).astype(np.uint8)


def hung(scene: Pixels, sheets: list[Pixels], source: random.Random) -> Pixels:
    """The scene at 1280 pixels with one sheet, or two beside each other, as a phone would take it."""
    scale = 1280 / max(scene.shape[:2])
    onto = cv2.resize(scene, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    height, width = onto.shape[:2]
    for number, sheet in enumerate(sheets):
        centre = ((number + 0.5) / len(sheets) * width, height * source.uniform(0.35, 0.65))
        wide = width * source.uniform(0.07, 0.42)
        wide = min(wide, 0.6 * height * sheet.shape[1] / sheet.shape[0])
        onto = _pasted(onto, sheet, centre, wide, source)
    noise = np.random.default_rng(source.randrange(1 << 30)).normal(0, source.uniform(1, 5), onto.shape)
    soft = cv2.GaussianBlur(onto, (0, 0), source.uniform(0.5, 1.6)) + noise
    return jpeg(np.clip(soft, 0, 255).astype(np.uint8), source.randint(70, 92))


def _pasted(
    onto: np.ndarray, sheet: Pixels, centre: tuple[float, float], wide: float, source: random.Random
) -> np.ndarray:
    """One sheet in perspective, turned by up to 10 degrees, in the light of where it hangs."""
    tall = wide * sheet.shape[0] / sheet.shape[1]
    lean = [1 - source.uniform(0, 0.12) for _ in range(4)]
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array(lean)[:, None] * [wide / 2, tall / 2]
    turn = np.radians(source.uniform(-10, 10))
    corners = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + centre
    flat = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * [sheet.shape[1], sheet.shape[0]]
    matrix = cv2.getPerspectiveTransform(flat.astype(np.float32), corners.astype(np.float32))
    size = (onto.shape[1], onto.shape[0])
    shown = cv2.warpPerspective(sheet, matrix, size, flags=cv2.INTER_AREA).astype(np.float32)
    cover = cv2.warpPerspective(np.ones(sheet.shape[:2], np.float32), matrix, size)[..., None]
    return np.asarray(onto * (1 - cover) + shown * source.uniform(0.7, 1.05) * cover)
