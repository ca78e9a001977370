"""The words (`matching.words`) of all remembered pictures in RAM, and the search by them.

A search looks each feature up in the nearest cells, counts for every picture the features whose signs
agree, and for the best of them those that also agree on one shift at one of a few scales (Hough voting): a
crop shows its features where the original has them, all moved alike, and a picture set into another has them
closer together. What does not fit is not looked at again here: the pixels decide (`matching.registration`).
3.8 KB a picture. What many pictures show (rows of windows, tiles) costs no more than PAIRS comparisons: of
one picture BURST features of a cell are kept and asked, and of the cells the rarest are looked at first.
Figures: bench/hash_index.py.

The index is a few sorted runs, each about twice as long as the next (O'Neil et al., "The log-structured
merge-tree", 1996). Runs never change, so a search needs no lock while others add.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from verification.matching import words
from verification.matching.registration import Features, Floats
from verification.matching.words import ENTRY, STEP, Numbers

ALIKE = 14  # bits of 64 that may differ
ASKED = 700  # features of a picture that are looked up
SHORT = 200  # pictures whose shifts are counted
LEAST = 5  # features that agree on a shift; chance brings five to ten in 10,000 pictures
SHIFT = 80  # pixels: what counts as one shift, for a crop of 55 % is looked for at 50 %
SCALES = (0.71, 1.0, 1.41)  # of the earlier picture to the asked one; XFeat knows a feature again at these
PAIRS = 1_000_000  # features compared in one search at most: some 0.1 GB
_SHIFTS = 64  # a side, for numbering
_Lists: TypeAlias = tuple[Numbers, Numbers]


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """Entries sorted by cell, and the row of the picture each is of."""

    held: words.Entries
    rows: npt.NDArray[np.int32]

    @classmethod
    def of(cls, held: words.Entries, rows: npt.NDArray[np.int32]) -> _Run:
        order = np.argsort(held["cell"], kind="stable")
        return cls(held[order], rows[order])

    def joined(self, other: _Run) -> _Run:
        return _Run.of(np.concatenate([self.held, other.held]), np.concatenate([self.rows, other.rows]))


@dataclass(frozen=True, slots=True, eq=False)
class WordSnapshot:
    """The pictures below some order: their orders int64[n], rising, and runs that may hold later ones too."""

    orders: Numbers
    runs: tuple[_Run, ...]

    def search(self, features: Features, limit: int) -> list[tuple[int, int]]:
        """(order, features that agree on one shift) of the best pictures, best first, then oldest."""
        if not len(self.orders) or not len(features.xy):
            return []
        asked_of = words.seldom(words.cells(features.descriptors, 1)[:, 0])
        xy, descriptors = features.xy[asked_of][:ASKED], features.descriptors[asked_of][:ASKED]
        sought, own = words.cells(descriptors, words.CELLS), words.signs(descriptors)
        lists = [_lists(run, sought) for run in self.runs]
        if sum(int((right - left).sum()) for left, right in lists) > PAIRS:
            lists = _rarest(
                [_earlier(run, *held, len(self.orders)) for run, held in zip(self.runs, lists, strict=True)]
            )
        parts = [
            _found(run, *held, own, len(self.orders)) for run, held in zip(self.runs, lists, strict=True)
        ]
        rows, asked, there = (np.concatenate(part) for part in zip(*parts, strict=True))
        votes = np.bincount(rows, minlength=len(self.orders))
        kept = np.zeros(len(votes), bool)
        kept[np.argsort(-votes, kind="stable")[:SHORT]] = True
        fits = (kept & (votes >= LEAST))[rows]
        agreed = _agreed(rows[fits], asked[fits], xy[asked[fits]], there[fits])
        best = sorted(agreed.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return [(int(self.orders[row]), count) for row, count in best if count >= LEAST]


def _lists(run: _Run, sought: Numbers) -> _Lists:
    """Where in a run each asked feature's cells begin and end: int64[features * cells] each."""
    held = run.held["cell"]
    left, right = (np.searchsorted(held, sought, side).ravel() for side in ("left", "right"))
    return left.reshape(sought.shape), right.reshape(sought.shape)


def _earlier(run: _Run, left: Numbers, right: Numbers, below: int) -> _Lists:
    """The same without pictures from row `below` on; rows rise within a cell."""
    pairs = zip(left.ravel().tolist(), right.ravel().tolist(), strict=True)
    ends = [start + int(np.searchsorted(run.rows[start:end], below)) for start, end in pairs]
    return left, np.array(ends, np.int64).reshape(left.shape)


def _rarest(lists: list[_Lists]) -> list[_Lists]:
    """Of all the cells asked for those with the fewest entries, PAIRS at most in sum: what half of the
    pictures show tells none of them. However the entries are spread over runs."""
    sizes = np.sum([right - left for left, right in lists], axis=0).ravel()
    order = np.argsort(sizes, kind="stable")
    kept = np.zeros(len(sizes), bool)
    kept[order] = np.cumsum(sizes[order]) <= PAIRS
    shape = lists[0][0].shape
    return [(left, np.where(kept.reshape(shape), right, left)) for left, right in lists]


def _found(
    run: _Run, left: Numbers, right: Numbers, own: words.Words, below: int
) -> tuple[npt.NDArray[np.int32], Numbers, npt.NDArray[np.float32]]:
    """Of a run what is alike: rows of pictures, numbers of the asked features, places of the others."""
    shape, left, counts = left.shape, left.ravel(), (right - left).ravel()
    starts = np.cumsum(counts) - counts
    at = np.repeat(left - starts, counts) + np.arange(counts.sum())
    asked = np.repeat(np.repeat(np.arange(shape[0]), shape[1]), counts)
    alike = (np.bitwise_count(run.held["signs"][at] ^ own[asked]) <= ALIKE) & (run.rows[at] < below)
    at, asked = at[alike], asked[alike]
    places = np.stack([run.held["x"][at], run.held["y"][at]], axis=1).astype(np.float32)
    return run.rows[at], asked, (places + 0.5) * STEP


def _agreed(rows: npt.NDArray[np.int32], asked: Numbers, here: Floats, there: Floats) -> dict[int, int]:
    """For each row the most asked features that agree on a shift at one scale; four grids, so that no edge
    parts them."""
    agreed: dict[int, int] = {}
    for scale, x, y in itertools.product(SCALES, (0.0, 0.5), (0.0, 0.5)):
        shift = (there - scale * here) / SHIFT + _SHIFTS // 2 + np.array([x, y])
        square = np.clip(shift, 0, _SHIFTS - 1).astype(np.int64)
        place = (rows.astype(np.int64) * _SHIFTS + square[:, 1]) * _SHIFTS + square[:, 0]
        once = np.unique(place * ASKED + asked) // ASKED
        places, counts = np.unique(once, return_counts=True)
        for row, count in zip((places // _SHIFTS**2).tolist(), counts.tolist(), strict=True):
            agreed[row] = max(count, agreed.get(row, 0))
    return agreed


class WordIndex:
    """Words by rising order. Adding and taking snapshots want one caller at a time; searching does not."""

    def __init__(self) -> None:
        self._count = 0
        self._orders: Numbers = np.zeros(64, dtype=np.int64)
        self._runs: tuple[_Run, ...] = ()

    def add(self, rows: list[tuple[int, bytes]]) -> None:
        """Adds pictures of rising orders, above all held: their `words.entries` as bytes."""
        if not rows:
            return
        while self._count + len(rows) > len(self._orders):
            self._orders = np.concatenate([self._orders, np.zeros_like(self._orders)])
        self._orders[self._count : self._count + len(rows)] = [order for order, _ in rows]
        made = [np.frombuffer(data, ENTRY) for _, data in rows]
        owners = np.repeat(np.arange(self._count, self._count + len(rows)), [len(each) for each in made])
        runs = [*self._runs, _Run.of(np.concatenate(made), owners.astype(np.int32))]
        while len(runs) > 1 and 2 * len(runs[-1].rows) >= len(runs[-2].rows):
            last = runs.pop()
            runs[-1] = runs[-1].joined(last)
        self._runs, self._count = tuple(runs), self._count + len(rows)

    def below(self, order: int) -> WordSnapshot:
        """The pictures of smaller orders, as they are now."""
        count = int(np.searchsorted(self._orders[: self._count], order))
        return WordSnapshot(self._orders[:count], self._runs)
