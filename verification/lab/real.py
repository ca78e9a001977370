"""What is no simulation: photographs of screens, pictures that generators made, photographs of scenes.

All are cut about their middle to at most 1600 x 1200, never scaled (a grid scaled is another grid), and
written anew by the one encoder of all shots. Few, and of few sources: a check on what the simulator teaches,
shown apart from it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from market.simulator.sensor import Exif, finish
from verification.decoding import child
from verification.forensics.crops import SIDE, crops
from verification.lab.measure import Part
from verification.lab.prepare import bases
from verification.picture import Pixels

_LARGEST = (1600, 1200)
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def part(folder: Path) -> Part:
    """Kind "screen" of a folder with a manifest, of which none is learnt from; and "ai" and "photo", the
    test's bases as they are."""
    squares, facts = [], []
    rng = np.random.default_rng(1)
    for kind, name, path in _named(folder):
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGB")
        if min(upright.size) < SIDE:
            continue
        cut = _middle(upright)
        said, body = child.grain(finish(cut, "web", rng, Exif()), {})
        high, wide = said["shape"]
        squares.append(crops(np.frombuffer(bytes(body), np.uint8).reshape(high, wide, 3)))
        facts.append({"kind": kind, "base": name, "defocus": None})
    side = SIDE // 8
    return Part(np.stack(squares), np.zeros((len(facts), len(squares[0]), side, side), np.uint8), facts)


def _named(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Kind, group (or file) and path of each."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            path = folder / row["file"]
            if row["label"] == "recapture" and path.suffix.lower() in _SUFFIXES:
                yield "screen", row["group"] or row["file"], path
    for kind, made_up in (("ai", True), ("photo", False)):
        for photo in bases(folder, "test", made_up):
            yield kind, photo.group or photo.id, photo.path


def _middle(whole: Image.Image) -> Pixels:
    wide, high = (min(side, most) // 8 * 8 for side, most in zip(whole.size, _LARGEST, strict=True))
    left, top = (whole.width - wide) // 2, (whole.height - high) // 2
    return np.asarray(whole.crop((left, top, left + wide, top + high)), np.uint8)
