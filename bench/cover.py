"""How much of a box is veiled, by the same shapes as `verification.decoding.veil` draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bench.duplicates import wilson
from core.figures import Row, of_samples
from verification.decoding.veil import at
from verification.film import Film
from verification.tracks import Area, Tracks

Doubles: TypeAlias = npt.NDArray[np.float64]
Place: TypeAlias = Callable[[float], Area | None]

COVERED = 0.8  # of a box, from which what is in it counts as veiled


def covered(box: Sequence[float], areas: Sequence[Sequence[float]]) -> float:
    """The share of a box (left, top, right, bottom) that lies in veiled areas."""
    left, top, right, bottom = box
    x, y = np.meshgrid(np.linspace(left, right, 24), np.linspace(top, bottom, 24))
    hidden = np.zeros(x.shape, bool)
    for area in areas:
        if len(area) == 4:
            a, b, c, d = area
            hidden |= ((2 * x - a - c) / (c - a)) ** 2 + ((2 * y - b - d) / (d - b)) ** 2 <= 1
        else:
            hidden |= _within(x, y, np.reshape(area, (4, 2)))
    return float(hidden.mean())


def covered_in(film: Film, places: Sequence[Place], tracks: Tracks) -> float:
    """The share of a film's things, frame by frame, of which COVERED is veiled.

    Args:
        places: of each thing, its box at a time (seconds); None where it is not to be seen.
    """
    told = [[each.start, each.end, *each.first, *each.last] for track in tracks for each in track]
    hits = []
    for t in film.times.tolist():
        areas = at(told, t)
        boxes = [place(t) for place in places]
        hits += [covered(box, areas) >= COVERED for box in boxes if box is not None]
    return float(np.mean(hits))


def of_hits(name: str, hits: Sequence[bool], bar: str | None = None) -> Row:
    """How many of them, with Wilson's interval."""
    return Row(name, sum(hits) / len(hits), *wilson(sum(hits), len(hits)), len(hits), bar=bar)


def of_shares(name: str, shares: Sequence[float]) -> Row:
    """The mean of independent shares with Student's 95 % interval, as far as it lies in 0..1."""
    row = of_samples(name, shares)
    return replace(row, low=max(0.0, row.low), high=min(1.0, row.high)) if len(shares) > 1 else row


def _within(x: Doubles, y: Doubles, corners: Doubles) -> npt.NDArray[np.bool_]:
    """Whether points lie in a convex shape: on one side of all its edges."""
    sides = [
        (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])
        for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)
    ]
    return np.asarray((np.min(sides, axis=0) >= 0) | (np.max(sides, axis=0) <= 0), bool)
