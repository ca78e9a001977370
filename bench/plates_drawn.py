"""Number plates of many countries, and the signs, prices and displays that are no plates: drawn, simulated.

A plate is drawn flat (ground, rim, coloured bands, letters squeezed to their field), then laid in perspective
where a vehicle of a photograph carries one, or on a piece of bodywork that is drawn too, and goes through
blur, noise and JPEG. `LEARNT` are the countries that `verification.plates` was made on, `MEASURED` those
that figures are given for. Letters are PIL's own face, made bold: no country's own. Scripts other than
Latin are not drawn.
"""

from __future__ import annotations

import random
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from bench.duplicates import jpeg
from verification.picture import Pixels

Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]

SIDE = 1280  # pixels: long side of a scene
TALL = 120  # pixels: height of a plate as drawn
_WHITE, _YELLOW, _BLUE, _BLACK = (236, 236, 230), (232, 190, 40), (24, 60, 150), (22, 22, 26)
_CONSONANTS = "BCDFGHJKLMNPRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a country writes.

    Attributes:
        country: its code.
        patterns: "A" a letter, "C" a consonant, "9" a digit, "|" a new row, anything else itself.
        shape: width by height.
        ground / ink: colours.
        bands: "" none, "l" a blue one on the left, "lr" on both sides.
        heading: small words above the letters, or "".
    """

    country: str
    patterns: tuple[str, ...]
    shape: float = 4.7
    ground: tuple[int, int, int] = _WHITE
    ink: tuple[int, int, int] = _BLACK
    bands: str = "l"
    heading: str = ""


LEARNT = (
    Layout("DE", ("A-AA 999", "AA-A 9999", "AAA-AA 99")),
    Layout("GB", ("AA99 AAA",), bands=""),
    Layout("GB rear", ("AA99 AAA",), ground=_YELLOW),
    Layout("FR", ("AA-999-AA",), bands="lr"),
    Layout("SE", ("AAA 999", "AAA 99A")),
    Layout("PL", ("AA 99999", "AAA 99A9")),
    Layout("BE", ("9-AAA-999",), ink=(150, 30, 40)),
    Layout("US-CA", ("9AAA999",), 2.0, ink=(30, 40, 110), bands="", heading="California"),
    Layout("US-TX", ("AAA-9999",), 2.0, bands="", heading="TEXAS"),
    Layout("IN", ("AA 99 AA 9999",), 4.2, bands=""),
    Layout("RU", ("A 999 AA 99",), bands=""),
    Layout("ZA", ("AA 99 AA AA",), ground=_YELLOW, bands=""),
    Layout("MX", ("AAA-99-99",), 2.0, bands="", heading="MEXICO"),
    Layout("VN bike", ("99-A9|999.99",), 1.35, bands=""),
)
MEASURED = (
    Layout("IT", ("AA 999AA",), bands="lr"),
    Layout("ES", ("9999 CCC",)),
    Layout("NL", ("99-AAA-9", "A-999-AA"), ground=_YELLOW),
    Layout("BR", ("AAA9A99",), 3.1, bands=""),
    Layout("CH", ("AA 999999",), bands=""),
    Layout("NO", ("AA 99999",)),
    Layout("TR", ("99 AAA 999", "99 AA 9999")),
    Layout("AU", ("AAA 99A",), 2.8, bands="", heading="QUEENSLAND", ink=(110, 25, 50)),
    Layout("US-NY", ("AAA-9999",), 2.0, bands="", heading="NEW YORK", ground=_YELLOW, ink=(25, 30, 80)),
    Layout("IN bike", ("AA 99 A|9999",), 1.4, bands=""),
    Layout("UA", ("AA 9999 AA",)),
    Layout("AR", ("AA 999 AA",), 3.1, bands=""),
    Layout("CZ", ("9A9 9999",)),
    Layout("GR", ("AAA-9999",)),
    Layout("IL", ("99-999-99", "999-99-999"), ground=_YELLOW),
)
# What stands on signs: "#" a digit, "@" a letter, "|" a new line. Of a board and a page one is a line.
SIGNS: Mapping[str, tuple[str, ...]] = {
    "price": ("##.## \u20ac", "$#.99", "EUR ###", "#,## \u20ac"),
    "offer": ("-#0%|#,## \u20ac", "#x### ml|##.##", "2 FOR ##", "50% OFF|### SEK"),
    "hours": (
        "MON-FRI 9-18|SAT 10AM-4PM",
        "Mo-Fr 08:00-17:30",
        "OPEN 24H",
        "9:00 - 21:00|Di 10-18 Uhr",
        "10 TO 18",
    ),
    "house": ("##", "###", "##A", "###B", "##-##"),
    "bus": ("N## Hermannplatz", "### Central Station", "M# AIRPORT", "X##E Old Town", "BUS ###", "LINE ##"),
    "train": ("ICE ###|Harbour", "RE ####|Central Station", "S #|Old Town", "TGV ####|AIRPORT"),
    "flight": ("@@ ####", "@@ ###", "@@ ###|Gate @##"),
    "board": (
        "##:##  @@ ####  Harbour",
        "##:##       RE ####       Old Town",
        "##:##         @@ ####",
        "##:## @@ ###",
    ),
    "room": ("Room ###@", "ROOM ###", "Floor #|##-##"),
    "platform": ("Gate @##", "Platform ##", "Gate @#|Platform #"),
    "meter": ("##### kWh", "####.# m3|No. #######", "###.# bar"),
    "label": ("##00 g|LOT @@####|best before 12.2027", "### ml|EXP 20##", "LOT @@####"),
    "brand": ("iPhone 15 Pro", "WD-40", "7UP", "Windows 11", "PS5", "4K UHD", "EXPO 20##", "ISO 9001"),
    "road": ("A##", "M##", "E##", "I-##", "B ###"),
    "limit": ("MAX #.# m", "## t", "### km", "#50 KG"),
    "phone": ("Tel. ###-####", "0## ### ## ##", "+## ### #####"),
    "date": ("##.##.20##", "12 NOV 20##", "JAN 20##", "MON ##"),
    "address": ("CR# #@@", "#### AB Amsterdam", "## High Street"),
    "lot": ("@@####",),
    "page": ("Old Town ##.##", "Harbour #.##", "University ##.##"),
}
ALIKE = ("flight", "lot")  # kinds with two letters and four digits, as plates have


def registration(pattern: str, source: random.Random) -> str:
    """A registration drawn after a pattern; "|" is left in."""
    kinds = {"A": string.ascii_uppercase, "C": _CONSONANTS, "9": string.digits}
    return "".join(source.choice(kinds[letter]) if letter in kinds else letter for letter in pattern)


def face(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """PIL's own letters at a size."""
    return ImageFont.load_default(size)


def lettered(text: str, size: tuple[int, int], bold: int = 3) -> Floats:
    """Ink 0..1, float32[h, w], of a text squeezed to a size."""
    left, top, right, bottom = (int(edge) for edge in face(96).getbbox(text, stroke_width=bold))
    mask = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(mask).text(
        (-left, -top), text, font=face(96), fill=255, stroke_width=bold, stroke_fill=255
    )
    return np.asarray(mask.resize(size, Image.Resampling.LANCZOS), np.float32) / np.float32(255)


def plate(layout: Layout, source: random.Random) -> tuple[Pixels, str]:
    """A plate seen straight on, TALL pixels high, and what stands on it."""
    said = registration(source.choice(layout.patterns), source)
    wide = int(TALL * layout.shape)
    sheet = np.full((TALL, wide, 3), layout.ground, np.float32)
    band = int(0.34 * TALL) if layout.bands else 0
    sides = (band, band if layout.bands == "lr" else 0)
    for on, edge in ((sides[0], slice(0, band)), (sides[1], slice(wide - band, wide))):
        if on:
            sheet[:, edge] = _BLUE
    top = 0.14 * TALL
    if layout.heading:
        _write(sheet, layout.heading, (0.25 * wide, 0.05 * TALL, 0.5 * wide, 0.15 * TALL), layout.ink, 1)
        top = 0.27 * TALL
    rows = said.split("|")
    tall = (0.86 * TALL - top) / len(rows)
    gap = 0.05 * wide
    for number, row in enumerate(rows):
        room = wide - sum(sides) - 2 * gap
        fills = min(room, room * len(row) / max(len(other) for other in rows) * 1.1)
        at = (sides[0] + gap + (room - fills) / 2, top + number * tall + 0.04 * TALL, fills, tall * 0.84)
        _write(sheet, row, at, layout.ink, source.choice((2, 3, 4)))
    cv2.rectangle(sheet, (2, 2), (wide - 3, TALL - 3), source.choice((layout.ink, (90, 90, 90))), 2)
    if source.random() < 0.6:  # the holder
        held = np.full((TALL + 14, wide + 10, 3), (25, 25, 28), np.float32)
        held[5 : TALL + 5, 5 : wide + 5] = sheet
        sheet = held
    return sheet.clip(0, 255).astype(np.uint8), said


def _write(
    sheet: Floats,
    text: str,
    at: tuple[float, float, float, float],
    ink: tuple[int, int, int],
    bold: int,
) -> None:
    """Text in a field: left, top, width and height in pixels."""
    left, top, wide, tall = (round(value) for value in at)
    mask = lettered(text, (wide, tall), bold)[..., None]
    field = sheet[top : top + tall, left : left + wide]
    field[:] = field * (1 - mask) + np.array(ink, np.float32) * mask


def bodywork(wide: int, source: random.Random) -> Floats:
    """A piece of a vehicle's tail to hang a plate on, float32[h, w, 3]: paint, fold, recess and lamps."""
    tall = int(0.7 * wide)
    paint = np.array(
        source.choice(((200, 205, 210), (40, 42, 48), (150, 25, 30), (30, 60, 120), (90, 95, 100)))
    )
    light = np.linspace(source.uniform(0.9, 1.25), source.uniform(0.5, 0.8), tall)[:, None, None]
    sheet = np.ones((tall, wide, 1)) * paint * light
    sheet[int(0.2 * tall) : int(0.22 * tall)] *= 0.5
    sheet[int(0.3 * tall) : int(0.72 * tall), int(0.22 * wide) : int(0.78 * wide)] *= source.uniform(
        0.5, 0.95
    )
    for left in (0.02, 0.84):
        lamp = (slice(int(0.25 * tall), int(0.5 * tall)), slice(int(left * wide), int((left + 0.14) * wide)))
        sheet[lamp] = np.array((170, 20, 25)) * source.uniform(0.6, 1.2)
    return np.asarray(cv2.GaussianBlur(sheet, (0, 0), 2), np.float32)


def laid(
    scene: Floats,
    sheet: Floats,
    centre: tuple[float, float],
    wide: float,
    source: random.Random,
    soft: int = 0,
) -> tuple[Floats, Doubles]:
    """The scene with a sheet in perspective, and its corners, float64[4, 2], in pixels.

    The sheet is made smaller before it is bent, as a lens would: no aliases. `soft`: pixels of it over which
    its rim passes into the scene (a vehicle is no sign with a frame).
    """
    scale = wide / sheet.shape[1]
    small = cv2.resize(
        sheet.astype(np.float32), None, fx=scale * 2, fy=scale * 2, interpolation=cv2.INTER_AREA
    )
    tall = wide * sheet.shape[0] / sheet.shape[1]
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [wide / 2, tall / 2]
    lean = source.uniform(-0.12, 0.12)  # seen from the side: one end is taller than the other
    corners[:, 1] *= 1 + lean * np.sign(corners[:, 0])
    corners[:, 0] *= 1 - abs(lean)
    turn = np.radians(source.uniform(-9, 9))
    corners = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + centre
    flat = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * [small.shape[1], small.shape[0]]
    matrix = cv2.getPerspectiveTransform(flat.astype(np.float32), corners.astype(np.float32))
    size = (scene.shape[1], scene.shape[0])
    shown = cv2.warpPerspective(small, matrix, size, flags=cv2.INTER_LINEAR)
    rim = np.ones(small.shape[:2], np.float32)
    if soft:
        rim[:soft], rim[-soft:], rim[:, :soft], rim[:, -soft:] = 0, 0, 0, 0
        rim = np.asarray(cv2.GaussianBlur(rim, (0, 0), soft / 2), np.float32)
    cover = cv2.warpPerspective(rim, matrix, size)[..., None]
    lit = scene * (1 - cover) + shown * source.uniform(0.7, 1.05) * cover
    return np.asarray(lit, np.float32), corners.astype(np.float64)


def sized(scene: Pixels) -> Floats:
    """A scene at SIDE pixels, float32."""
    scale = SIDE / max(scene.shape[:2])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(scene, None, fx=scale, fy=scale, interpolation=how), np.float32)


def taken(scene: Floats, source: random.Random) -> Pixels:
    """A little soft and noisy, through JPEG."""
    noise = np.random.default_rng(source.randrange(1 << 30)).normal(0, source.uniform(1, 4), scene.shape)
    soft = cv2.GaussianBlur(scene, (0, 0), source.uniform(0.4, 0.9)) + noise
    return jpeg(np.clip(soft, 0, 255).astype(np.uint8), source.randint(78, 94))


def tail(sheet: Pixels, source: random.Random) -> tuple[Floats, Doubles]:
    """Bodywork with a plate in its middle, and the shares of width and height that the plate has of it."""
    body = bodywork(int(sheet.shape[1] * source.uniform(2.6, 3.6)), source)
    y, x = (body.shape[0] - sheet.shape[0]) // 2, (body.shape[1] - sheet.shape[1]) // 2
    if y < 0:  # a tall plate on a narrow tail
        body = np.pad(body, ((9 - y, 9 - y), (0, 0), (0, 0)), mode="edge")
        y = 9
    body[y : y + sheet.shape[0], x : x + sheet.shape[1]] = sheet
    return body, np.array([sheet.shape[1] / body.shape[1], sheet.shape[0] / body.shape[0]])


def parked(
    scene: Pixels, layout: Layout, wide: float, source: random.Random, at: tuple[float, float] | None = None
) -> tuple[Pixels, str, Doubles]:
    """A photograph with a plate, what stands on it, and its corners in pixels.

    Args:
        wide: of the plate, pixels.
        at: shares of width and height where a vehicle carries its plate; None: bodywork is drawn, anywhere.
    """
    onto = sized(scene)
    height, width = onto.shape[:2]
    sheet, said = plate(layout, source)
    if at is None:
        body, share = tail(sheet, source)
        centre = (width * source.uniform(0.3, 0.7), height * source.uniform(0.4, 0.75))
        onto, corners = laid(onto, body, centre, wide / share[0], source, int(wide / 4))
        corners = _within(corners, share)
    else:
        onto, corners = laid(onto, sheet.astype(np.float32), (at[0] * width, at[1] * height), wide, source)
    return taken(onto, source), said, corners


def _within(corners: Doubles, share: Doubles) -> Doubles:
    """The corners of a sheet's middle part."""
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    matrix = cv2.getPerspectiveTransform(square, corners.astype(np.float32))
    inner = ((square - 0.5) * share + 0.5).astype(np.float32)[None]
    return np.asarray(cv2.perspectiveTransform(inner, matrix)[0], np.float64)


def words(kind: str, source: random.Random) -> list[str]:
    """The lines of a sign that is no plate."""
    if kind in ("board", "page"):
        return [_filled(source.choice(SIGNS[kind]), source) for _ in range(source.randint(3, 5))]
    return _filled(source.choice(SIGNS[kind]), source).split("|")


def _filled(pattern: str, source: random.Random) -> str:
    kinds = {"@": string.ascii_uppercase, "#": string.digits}
    return "".join(source.choice(kinds[letter]) if letter in kinds else letter for letter in pattern)


def sign(lines: Sequence[str], source: random.Random) -> Floats:
    """A sign with some lines, seen straight on, float32[h, w, 3]."""
    size, ground, ink = 64, *source.choice(_SIGN_COLOURS)
    boxes = [face(size).getbbox(line) for line in lines]
    side, above = size * source.uniform(0.4, 1.2), size * source.uniform(0.25, 0.8)
    wide = int(max(box[2] for box in boxes) + 2 * side)
    tall = int(len(lines) * 1.35 * size + 2 * above)
    sheet = Image.new("RGB", (wide, tall), ground)
    draw, bold = ImageDraw.Draw(sheet), source.choice((0, 1, 2))
    for number, line in enumerate(lines):
        at = (side, above + number * 1.35 * size)
        draw.text(at, line, font=face(size), fill=ink, stroke_width=bold, stroke_fill=ink)
    if source.random() < 0.4:
        draw.rectangle((3, 3, wide - 4, tall - 4), outline=ink, width=3)
    return np.asarray(sheet, np.float32)


_SIGN_COLOURS = (
    ((240, 240, 236), (20, 20, 24)),
    ((230, 190, 40), (20, 20, 24)),
    ((25, 60, 140), (240, 240, 240)),
    ((18, 18, 20), (250, 190, 60)),
    ((200, 30, 35), (250, 250, 250)),
    ((20, 110, 60), (245, 245, 240)),
)


def hung(scene: Pixels, kind: str, source: random.Random) -> tuple[Pixels, list[str]]:
    """A photograph with a sign that is no plate, and its lines."""
    lines = words(kind, source)
    onto = sized(scene)
    sheet = sign(lines, source)
    height, width = onto.shape[:2]
    wide = min(width * source.uniform(0.06, 0.35), 0.6 * height * sheet.shape[1] / sheet.shape[0])
    centre = (width * source.uniform(0.3, 0.7), height * source.uniform(0.3, 0.7))
    onto, _ = laid(onto, sheet, centre, wide, source)
    return taken(onto, source), lines
