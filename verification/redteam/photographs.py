"""Base photographs of the red team, split by source so that nothing reported was learnt from.

From a folder with `manifest.csv` (see its README), or, without one, the photographs that ship with
scikit-image and scikit-learn. A source (a repository, a distribution's package) falls into one split
as a whole, and with it every group of views. Rows whose use is "test only" are never calibrated with.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from verification.redteam.registry import Split

Pixels = npt.NDArray[np.uint8]
_LEAST_SIDE = 460  # pixels: a smaller photograph would be mostly enlargement
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True, slots=True)
class Photograph:
    """A picture to start from: `label` as in the manifest, `group` "" where it stands alone."""

    id: str
    path: Path
    label: str
    source: str
    group: str
    style: str

    @property
    def rgb(self) -> Pixels:
        """uint8[h, w, 3], upright."""
        return _load(self.path)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The photographs of one split.

    Attributes:
        real: camera photographs, the bases of honest and dishonest captures alike.
        ai: photo-like generated stills.
        places: group -> two or more views of one place.
        sources: what they come from.
    """

    real: tuple[Photograph, ...]
    ai: tuple[Photograph, ...] = ()
    places: dict[str, tuple[Photograph, ...]] = field(default_factory=dict)

    @property
    def offers(self) -> frozenset[str]:
        """What families may need."""
        return frozenset(name for name, held in (("ai", self.ai), ("places", self.places)) if held)

    @property
    def sources(self) -> list[str]:
        """Where they come from."""
        return sorted({photo.source for photo in (*self.real, *self.ai, *sum(self.places.values(), ()))})


def shelves(folder: Path | None) -> dict[Split, Shelf]:
    """Both splits, from a folder with a manifest or from the packages' samples.

    Raises:
        FileNotFoundError: a folder was named that has no manifest.csv.
    """
    photos = list(_from_manifest(folder) if folder else _from_packages())
    side = _sides(photo.source for photo, _ in photos)
    return {
        split: _shelf(
            [p for p, test in photos if side[p.source] is split and not (test and split is Split.CALIBRATION)]
        )
        for split in Split
    }


def _sides(sources: Iterable[str]) -> dict[str, Split]:
    """Largest source first, each to the split that has fewer pictures so far; reported gets the first."""
    counts: dict[str, int] = defaultdict(int)
    for source in sources:
        counts[source] += 1
    held = {Split.REPORTED: 0, Split.CALIBRATION: 0}
    side = {}
    for source, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        side[source] = min(held, key=lambda split: held[split])
        held[side[source]] += count
    return side


def _shelf(photos: list[Photograph]) -> Shelf:
    real = [p for p in photos if p.label == "real"]
    groups: dict[str, list[Photograph]] = defaultdict(list)
    for photo in real:
        if photo.group and photo.style == "same place":
            groups[photo.group].append(photo)
    places = {name: tuple(views) for name, views in sorted(groups.items()) if len(views) > 1}
    first = {views[0].id for views in places.values()}
    single = [p for p in real if not p.group or p.id in first]
    ai = [p for p in photos if p.label == "ai_generated"]
    return Shelf(tuple(single), tuple(ai), places)


def _from_manifest(folder: Path) -> Iterable[tuple[Photograph, bool]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["label"] not in {"real", "ai_generated"} or "fisheye" in row["style"]:
                continue
            if row["label"] == "ai_generated" and row["style"] != "photo_like":
                continue
            if min(int(row["width"] or 0), int(row["height"] or 0)) < _LEAST_SIDE:
                continue
            path = folder / row["file"]
            if path.suffix.lower() in _SUFFIXES:
                source = (
                    f"{row['label'].partition('_')[0]}: {row['source'].partition('@')[0].partition(':')[0]}"
                )
                photo = Photograph(row["file"], path, row["label"], source, row["group"], row["style"])
                yield photo, row["use"] != "train+test"


def _from_packages() -> Iterable[tuple[Photograph, bool]]:
    """Ten photographs; each is a source of its own."""
    from skimage import data
    from sklearn import datasets

    held = Path(data.__file__).parent
    names = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg", "motorcycle_left.png")
    paths = [held / name for name in names]
    paths += sorted((Path(datasets.__file__).parent / "images").glob("*.jpg"))
    for path in paths:
        if path.is_file():
            yield Photograph(path.name, path, "real", path.stem, "", "camera"), False


@lru_cache(maxsize=24)
def _load(path: Path) -> Pixels:
    with Image.open(path) as opened:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
        upright.thumbnail((2400, 2400))
        return np.asarray(upright, np.uint8)
