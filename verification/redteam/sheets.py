"""For people to look at: a contact sheet of each family, and contexts as `examine` reads them.

A cheat that does not look like one is a fault of the red team: look.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, UnidentifiedImageError

from verification.redteam.keep import keep_context
from verification.redteam.making import make
from verification.redteam.photographs import shelves
from verification.redteam.registry import Recipe
from verification.redteam.runner import Plan, judge
from verification.redteam.workshop import Sample

_CELL = (320, 240)
_SHOWN = 12


def draw(plan: Plan, families: Sequence[Recipe], *, sheet: Path | None, keep: Path | None) -> None:
    """Makes the first samples of each family again and writes what was asked for."""
    held = shelves(plan.photos)
    with judge() as standalone:
        for recipe in families:
            tier, cells = recipe.tiers[0], []
            for index in range(min(plan.n, _SHOWN)):
                bench, sample = make(recipe, tier, index, plan.seed, held[recipe.split], standalone)
                if keep:
                    keep_context(sample.context, keep / f"{recipe.name}-{index}")
                cells.append(_cell(sample, f"{bench.mode} {sample.note}"))
            if sheet:
                sheet.mkdir(parents=True, exist_ok=True)
                _tiled(cells).save(sheet / f"{recipe.name}.png")


def _cell(sample: Sample, words: str) -> Image.Image:
    """The photo above, first and last frame of the burst below it."""
    evidence = sample.context.evidence
    frames = evidence.burst.frames if evidence.burst else ()
    cell = Image.new("RGB", (_CELL[0], _CELL[1] + 18 + (_CELL[1] // 2 if frames else 0)), (30, 30, 30))
    cell.paste(_small(evidence.media, _CELL), (0, 18))
    for place, frame in enumerate((frames[0], frames[-1]) if frames else ()):
        half = (_CELL[0] // 2, _CELL[1] // 2)
        cell.paste(_small(frame, half), (place * half[0], 18 + _CELL[1]))
    ImageDraw.Draw(cell).text((3, 3), words[:52], fill=(255, 255, 255))
    return cell


def _small(data: bytes, size: tuple[int, int]) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data)) as opened:
            return opened.convert("RGB").resize(size)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError, SyntaxError):
        return Image.new("RGB", size, (90, 0, 0))


def _tiled(cells: list[Image.Image]) -> Image.Image:
    wide = 4
    high = max(cell.height for cell in cells)
    rows = -(-len(cells) // wide)
    whole = Image.fromarray(np.zeros((rows * high, wide * _CELL[0], 3), np.uint8))
    for place, cell in enumerate(cells):
        whole.paste(cell, (place % wide * _CELL[0], place // wide * high))
    return whole
