"""How many faces and number plates are veiled in what a buyer receives, and what else is.

    python -m bench.veil --photos DIR [--quick] [--json PATH] [--seed N]

On the photographs of DIR that `bench/labels/faces_and_plates.json` names (labelled by eye: a small set, of
which few faces can be recognised, and few plates read, at all). A face or a plate counts as veiled when four
fifths of its box lie in veiled areas. Beside it: what is veiled where nobody is, the processor time of
looking, and whether any word of an original's metadata can be found in the bytes delivered. Without DIR: two
photographs of scikit-image. Films are simulated from the same photographs (`bench.veil_films`). Plates that
are drawn, by their size, and signs that are none: `bench.plates`.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import skimage.data
from PIL import ExifTags, Image

from bench import veil_films
from bench.cover import COVERED, covered
from bench.duplicates import wilson
from core.figures import Row, arguments, finish, of_samples
from tests.verification import stage
from verification import bystanders, plates
from verification.case import Reader
from verification.engine import Engine
from verification.picture import Decoder, Pixels, Undecodable
from verification.reading import Reader as RealReader

Marks: TypeAlias = list[dict[str, Any]]

LABELS = Path(__file__).parent / "labels" / "faces_and_plates.json"
TALL = 60  # pixels of a face that is put into films
_ASTRONAUT = {"kind": "face", "box": [0.354, 0.113, 0.527, 0.347], "printed": False, "hard": False}
_WORD = 6  # characters from which a word of metadata is sought in the delivered bytes


@dataclass(slots=True)
class Tally:
    """What was found."""

    plain: list[bool] = field(default_factory=list)
    hard: list[bool] = field(default_factory=list)
    plates: list[bool] = field(default_factory=list)
    hard_plates: list[bool] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)  # areas veiled in a picture without people
    words: list[int] = field(default_factory=list)  # of metadata, found in the bytes delivered
    plates_beside: list[float] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)
    plates_ms: list[float] = field(default_factory=list)


def words_of(data: bytes) -> set[bytes]:
    """Words of a file's EXIF, of six characters and more."""
    found: set[bytes] = set()
    with Image.open(io.BytesIO(data)) as image:
        exif = image.getexif()
        blocks = [exif, *(exif.get_ifd(kind) for kind in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo))]
    for block in blocks:
        for value in block.values():
            text = (
                value if isinstance(value, bytes) else str(value).encode() if isinstance(value, str) else b""
            )
            found |= {word for word in text.replace(b"\0", b" ").split() if len(word) >= _WORD}
    return found


def pictures(folder: Path | None, every: int) -> Iterator[tuple[bytes, Marks]]:
    """Files with their marks; of those without people one in `every`."""
    if folder is None:
        for name, marks in (("astronaut", [_ASTRONAUT]), ("coffee", [])):
            out = io.BytesIO()
            Image.fromarray(getattr(skimage.data, name)()).save(out, "JPEG", quality=95)
            yield out.getvalue(), marks
        return
    labels: Mapping[str, Any] = json.loads(LABELS.read_text(encoding="utf-8"))
    for name, marks in labels["pictures"].items():
        yield (folder / name).read_bytes(), marks
    for name in labels["empty"][::every]:
        yield (folder / name).read_bytes(), []


def look(data: bytes, marks: Marks, decoder: Decoder, engine: Engine, reader: Reader, tally: Tally) -> None:
    """One picture, as the pipeline veils it."""
    rgb = decoder.open(data).rgb
    began = time.process_time()
    areas = bystanders.areas(rgb, engine)
    seen = time.process_time()
    signs = plates.areas(rgb, reader, stage.photo(data))
    tally.ms.append((seen - began) * 1000)
    tally.plates_ms.append((time.process_time() - seen) * 1000)
    veil = [*areas, *signs]
    for mark in marks:
        plain, hard = (
            (tally.plates, tally.hard_plates) if mark["kind"] == "plate" else (tally.plain, tally.hard)
        )
        (hard if mark["hard"] else plain).append(covered(mark["box"], veil) >= COVERED)
    if not marks:
        tally.beside.append(len(areas))
    if not any(mark["kind"] == "plate" for mark in marks):
        tally.plates_beside.append(len(signs))
    words = words_of(data)
    if words:
        delivered = decoder.derive(data, veil).data
        tally.words.append(sum(word in delivered for word in words))


def films(folder: Path | None, decoder: Decoder) -> tuple[list[veil_films.Head], list[Pixels]]:
    """Heads that somebody could be known by, and photographs without people for them to pass."""
    heads, scenes = [], []
    for data, marks in pictures(folder, 24):
        try:
            rgb = decoder.open(data).rgb
        except Undecodable:
            continue
        for mark in marks:
            left, top, right, bottom = mark["box"]
            tall, printed = (bottom - top) * rgb.shape[0], mark["printed"] or mark["hard"]
            inside = min(left, top) > 0 and max(right, bottom) < 1
            if mark["kind"] == "face" and tall >= TALL and inside and not printed:
                heads.append(veil_films.cut(rgb, mark["box"]))
        if not marks and min(rgb.shape[:2]) >= 400:
            scenes.append(rgb)
    return heads, scenes


def _share(name: str, hits: Sequence[bool]) -> list[Row]:
    return [Row(name, sum(hits) / len(hits), *wilson(sum(hits), len(hits)), len(hits))] if hits else []


def main() -> int:
    """The command."""
    parser = arguments(__doc__)
    parser.add_argument("--photos", type=Path, help="a folder with manifest.csv")
    given = parser.parse_args()
    tally, engine = Tally(), Engine("cpu")
    reader = RealReader(engine)
    with Decoder() as decoder:
        for data, marks in pictures(given.photos, 8 if given.quick else 1):
            try:
                look(data, marks, decoder, engine, reader, tally)
            except Undecodable:  # what is not taken is not delivered
                continue
        heads, scenes = films(given.photos, decoder)
    rows = [
        *_share("faces that somebody could be known by", tally.plain),
        *_share("faces too small, soft or turned for that", tally.hard),
        *_share("number plates that somebody can read", tally.plates),
        *_share("number plates too small or soft for that", tally.hard_plates),
        of_samples("veiled as faces in a picture without people, areas", tally.beside),
        of_samples("veiled as plates in a picture without one, areas", tally.plates_beside),
        of_samples("processor time of looking for faces, a picture", tally.ms, unit="ms"),
        of_samples("of reading, for plates, what no check has read", tally.plates_ms, unit="ms"),
    ]
    if tally.words:
        rows.append(of_samples("words of metadata in what is delivered, a picture", tally.words, bar="<= 0"))
    rows += veil_films.rows(heads, scenes, 3 if given.quick else 20, given.seed)
    rows += veil_films.times(scenes[0], 2 if given.quick else 5)
    return finish("What is veiled for a buyer", rows, given.json, seed=given.seed)


if __name__ == "__main__":
    raise SystemExit(main())
