"""How many number plates are veiled, by their width in pixels, and how many signs that are none.

    python -m bench.plates [--photos DIR] [--quick] [--json PATH] [--seed N] [--sheet PNG]

Simulated (`bench.plates_drawn`): plates of fifteen layouts that `verification.plates` was not made on, on the
vehicles of DIR whose own plates are blank and on bodywork that is drawn into photographs; and signs, prices,
hours, displays, house, bus and flight numbers, and sheets with a challenge's code. A plate counts as veiled
when four fifths of it lie in veiled areas; a sign as wrongly veiled when anything on it is. Half of the signs
are what was asked for: their first line is the answer. Photographs of the half that `verification.plates` was
made on are left out. Films: `bench.plates_films`.
`--sheet` draws what was missed and what was veiled wrongly.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from bench import displays, plates_drawn, plates_films
from bench.answers import halves
from bench.cover import COVERED, covered, of_hits
from bench.duplicates import bases, load
from core.figures import arguments, finish
from tests.verification import stage
from tests.verification.eyes import paper, put
from verification import plates
from verification.case import Reader
from verification.codes import new_code
from verification.engine import Engine
from verification.evidence import Evidence
from verification.picture import Pixels
from verification.reading import Reader as RealReader

WIDTHS = (30, 40, 55, 75, 110, 160, 240)  # pixels, in a picture of 1,280
VEHICLES = {"real_small/px_car01.jpg": (0.49, 0.47), "real_small/px_car03.jpg": (0.75, 0.705)}
_CELL = (320, 240)


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture: what it is of, whether it was veiled, and the picture."""

    kind: str
    group: str
    veiled: bool
    rgb: Pixels


def vehicles(folder: Path | None) -> list[tuple[Pixels, tuple[float, float]]]:
    """Photographs of vehicles without plates, and where a plate goes."""
    found = [(load(folder / name), at) for name, at in VEHICLES.items()] if folder else []
    return [(rgb, at) for rgb, at in found if rgb is not None]


def carried(
    scenes: Sequence[Pixels], parked: Sequence[tuple[Pixels, tuple[float, float]]], quick: bool, seed: int
) -> Iterator[tuple[str, str, Pixels, list[float]]]:
    """Country, width, picture and the plate's box, left, top, right and bottom, 0..1."""
    source = random.Random(seed)
    for wide in WIDTHS[1::2] if quick else WIDTHS:
        for number, layout in enumerate(plates_drawn.MEASURED * (1 if quick else 2)):
            scene, at = source.choice(scenes), None
            if parked and number % 3 == 0:
                scene, at = source.choice(parked)
            rgb, _, corners = plates_drawn.parked(scene, layout, wide, source, at)
            corners = corners / (rgb.shape[1], rgb.shape[0])
            yield layout.country, str(wide), rgb, [*corners.min(axis=0), *corners.max(axis=0)]


def signs(scenes: Sequence[Pixels], quick: bool, seed: int) -> Iterator[tuple[str, Pixels, str, bool]]:
    """Kind, picture and first line of signs, displays and sheets with a code, whether it was asked for."""
    source = random.Random(seed)
    for lap in range(2 if quick else 8):
        asked = lap % 2 == 0
        for kind in plates_drawn.SIGNS:
            rgb, lines = plates_drawn.hung(source.choice(scenes), kind, source)
            yield kind, rgb, lines[0], asked
        for kind in displays.KINDS:
            shows = displays.content(kind, source)
            sheet = displays.drawn(shows, source)
            yield kind, displays.hung(source.choice(scenes), [sheet], source), shows.shown, asked
        code = new_code(source)
        yield "code", put(source.choice(scenes), paper(code), width=source.uniform(0.15, 0.4)), code, asked


def about(answer: str, code: str = "") -> Evidence:
    """A capture that answers this."""
    told = stage.photo(b"x", ask=stage.terms(ask="The sign", answer_schema={"type": "string"}))
    return replace(told, answer=answer, session=replace(told.session, code=code))


def watched(
    scenes: Sequence[Pixels], folder: Path | None, reader: Reader, quick: bool, seed: int
) -> list[Seen]:
    """Every picture, looked at as the pipeline does."""
    found = []
    for country, wide, rgb, box in carried(scenes, vehicles(folder), quick, seed):
        areas = plates.areas(rgb, reader, about("closed"))
        found.append(Seen(country, wide, _covered(box, areas), rgb))
    for kind, rgb, line, asked in signs(scenes, quick, seed):
        told = about("", line) if kind == "code" else about(line if asked else "closed")
        group = "code" if kind == "code" else "asked" if asked else "other"
        found.append(Seen(kind, group, bool(plates.areas(rgb, reader, told)), rgb))
    return found


def _covered(box: Sequence[float], areas: Sequence[plates.Corners]) -> bool:
    return covered(box, areas) >= COVERED


def draw(items: Sequence[Seen], path: Path) -> None:
    """A sheet of what was missed (from 55 pixels on) and what was veiled wrongly."""
    wrong = [item for item in items if item.veiled != item.group.isdigit()]
    wrong = [item for item in wrong if not item.group.isdigit() or int(item.group) >= 55][:48]
    sheet = Image.new("RGB", (6 * _CELL[0], max(1, -(-len(wrong) // 6)) * _CELL[1]))
    for place, item in enumerate(wrong):
        cell = Image.fromarray(item.rgb)
        cell.thumbnail(_CELL)
        sheet.paste(cell, (place % 6 * _CELL[0], place // 6 * _CELL[1]))
    sheet.save(path)


def main() -> int:
    """The command."""
    parser = arguments(__doc__)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--sheet", type=Path)
    given = parser.parse_args()
    _, measured = halves(bases(given.photos, 60, random.Random(1)))
    scenes = [measured[name] for name in sorted(measured)]
    reader = RealReader(Engine("cpu"))
    items = watched(scenes, given.photos, reader, given.quick, given.seed)
    rows = []
    for wide in WIDTHS:
        hits = [item.veiled for item in items if item.group == str(wide)]
        if hits:
            rows.append(of_hits(f"plates {wide} pixels wide", hits))
    for group, name in (("asked", "what was asked for"), ("code", "sheets with the code")):
        hits = [item.veiled for item in items if item.group == group]
        rows.append(of_hits(f"{name}, veiled", hits, "<= 0"))
    for alike, name in ((False, "other signs"), (True, "flight and lot numbers")):
        hits = [i.veiled for i in items if i.group == "other" and (i.kind in plates_drawn.ALIKE) == alike]
        rows.append(of_hits(f"{name} that nobody asked about, veiled", hits))
    rows += plates_films.rows(scenes, reader, about("closed"), 1 if given.quick else 8, given.seed)
    missed = [f"{i.kind} {i.group}" for i in items if i.veiled != i.group.isdigit()]
    if given.sheet:
        draw(items, given.sheet)
    return finish("Number plates, drawn", rows, given.json, seed=given.seed, wrong=missed)


if __name__ == "__main__":
    raise SystemExit(main())
