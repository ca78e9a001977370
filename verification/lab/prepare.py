"""The data that our forensic nets learn from: `python -m verification.lab.prepare --photos DIR`. Fixed: who
trains does not edit it.

Every kind of shot (`lab.shots.KINDS`) has as many pictures in a part. Parts share no photograph: a base goes
to one by the hash of its name (train 60 %, validate 20 %, test 20 %). Train, validate and test are made with
the displays and phones of `seen`; `held` is the test's photographs with those nobody learnt from.

On disk, in OUT: PART.npy, uint8[n, 6, 256, 256, 3] (the crops of `forensics.crops`, Y Cb Cr as the JPEG holds
them), PART-altered.npy, uint8[n, 6, 32, 32] (0..255, the share of each 8 x 8 pixels that was altered), and
PART.jsonl, the facts of each. The same photographs, seed and code give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core import processes
from verification.decoding import child
from verification.evidence import Json
from verification.forensics.crops import GRID, SIDE, crops
from verification.lab.shots import KINDS, MADE, Mask, shoot
from verification.picture import Pixels
from verification.redteam.photographs import Photograph, shelves
from verification.redteam.registry import Split

PARTS = {"train": "seen", "validate": "seen", "test": "seen", "held": "held"}  # and their regions
COUNTS = {"train": 640, "validate": 60, "test": 80, "held": 80}  # pictures of each kind
CELL = 8  # pixels of a cell of the altered map


@dataclass(frozen=True, slots=True)
class Order:
    """One shot to be made."""

    part: str
    kind: str
    index: int
    seed: int
    photos: Path | None


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One shot as it is kept: uint8[6, 256, 256, 3], uint8[6, 32, 32], and its facts."""

    crops: Pixels
    altered: Mask
    facts: dict[str, Json]


def orders(counts: dict[str, int], seed: int, photos: Path | None) -> list[Order]:
    """All shots, part after part, the kinds in turn."""
    return [
        Order(part, kind, index, seed, photos)
        for part, count in counts.items()
        for index in range(count)
        for kind in KINDS
    ]


def made(order: Order) -> Row:
    """The shot, cut as a verifier cuts it."""
    shown, lenders = bases(order.photos, order.part, order.kind in MADE), bases(order.photos, order.part)
    code = zlib.crc32(f"{order.part}/{order.kind}".encode())
    rng = np.random.default_rng([order.seed, code, order.index])
    base = shown[order.index % len(shown)]
    donor = lenders[int(rng.integers(len(lenders)))]
    shot = shoot(order.kind, PARTS[order.part], base, donor, rng)
    said, body = child.grain(shot.jpeg, {})
    high, wide = said["shape"]
    cut = np.frombuffer(bytes(body), np.uint8).reshape(high, wide, 3)
    return Row(crops(cut), _altered(shot.mask, said), {**shot.facts, "index": order.index})


def _altered(mask: Mask | None, said: Mapping[str, Any]) -> Mask:
    """The share of each cell that was altered, 0..255, of the same crops."""
    side = SIDE // CELL
    if mask is None:
        return np.zeros((GRID[0] * GRID[1], side, side), np.uint8)
    high, wide = said["shape"]
    cut = mask[said["top"] : said["top"] + high, said["left"] : said["left"] + wide]
    parts = crops(np.repeat(cut[..., None] * np.uint8(255), 3, axis=2))[..., 0]
    small = [cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA) for part in parts]
    return np.stack(small).astype(np.uint8)


@lru_cache(maxsize=16)
def bases(photos: Path | None, part: str, made_up: bool = False) -> tuple[Photograph, ...]:
    """The photographs of a part; those that were made up, or those that were taken."""
    shelf = shelves(photos)[Split.CALIBRATION]
    held = sorted(
        shelf.ai if made_up and shelf.ai else shelf.real, key=lambda photo: _draw(photo.group or photo.id)
    )
    low, high = {"train": (0.0, 0.6), "validate": (0.6, 0.8)}.get(part, (0.8, 1.0))
    mine = tuple(held[round(low * len(held)) : round(high * len(held))])
    return mine or tuple(held[:1])  # the packages' samples are too few for every part


def _draw(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def write(out: Path, plan: Sequence[Order], jobs: int) -> None:
    """Makes the orders and writes their parts, saying how far it is."""
    out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    rows = _rows(plan, jobs)
    done = 0
    for part in dict.fromkeys(order.part for order in plan):
        count, cells = sum(order.part == part for order in plan), SIDE // CELL
        each = GRID[0] * GRID[1]
        pixels = np.lib.format.open_memmap(out / f"{part}.npy", "w+", np.uint8, (count, each, SIDE, SIDE, 3))
        altered = np.lib.format.open_memmap(
            out / f"{part}-altered.npy", "w+", np.uint8, (count, each, cells, cells)
        )
        with (out / f"{part}.jsonl").open("w", encoding="utf-8") as lines:
            for at in range(count):
                row = next(rows)
                pixels[at], altered[at] = row.crops, row.altered
                lines.write(json.dumps(row.facts) + "\n")
                done += 1
                if done % 100 == 0 or done == len(plan):
                    left = (time.monotonic() - began) / done * (len(plan) - done) / 60
                    sys.stderr.write(f"{done}/{len(plan)} {part}; {left:.0f} min to go\n")


def _rows(plan: Sequence[Order], jobs: int) -> Iterator[Row]:
    if jobs == 1:
        yield from map(made, plan)
        return
    with processes.pool(jobs, _one_thread) as workers:
        yield from workers.map(made, plan, chunksize=8)


def _one_thread() -> None:
    cv2.setNumThreads(1)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--photos", type=Path, help="a folder with manifest.csv; else the packages' samples")
    parser.add_argument("--out", type=Path, default=Path(".spotcheck/lab"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="a tenth of the pictures")
    given = parser.parse_args(argv)
    counts = {part: max(4, count // 10) if given.quick else count for part, count in COUNTS.items()}
    write(given.out, orders(counts, given.seed, given.photos), given.jobs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
