"""The turns of a phone as strokes: swings one way, read from how it turned from frame to frame.

A stroke is where the camera swings one way at more than a quarter of its top speed; its direction is that of
its larger part. An order may be swung one turn after the other, or each there and back again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from verification.case import Doubles

LEAST_RAD = 0.07  # four degrees: a smaller swing is no turn
SHARE = 0.4  # of the largest swing: what is smaller is a hand's correction,
SMALL = 0.2  # or, with this share, perhaps a turn that was made small
PACE = 0.25  # of the top speed: slower is rest
PLAIN = 2.0  # how many times the larger part of a swing exceeds the other
SIDES = frozenset("<>")  # of a step aside, which may end an order
OPPOSITE = {"L": "R", "R": "L", "U": "D", "D": "U"}


@dataclass(frozen=True, slots=True)
class Stroke:
    """One swing.

    Attributes:
        way: "L", "R", "U" or "D"; plain: whether it is that and not half another.
        size: radians. end: the frame it ends at.
    """

    way: str
    size: float
    plain: bool
    end: int


def parted(order: str) -> tuple[str, str]:
    """An order's turns, and the side of the step at its end; "" where it asks for none."""
    return (order[:-1], order[-1]) if order[-1:] in SIDES else (order, "")


def strokes(turns: Doubles, t: Doubles, share: float = SHARE) -> list[Stroke]:
    """The swings of a burst, in order: of turns float64[n - 1, 3] from frame to frame at times float64[n].

    `share` of the largest swing is the least that counts.
    """
    turns = np.nan_to_num(turns)
    pace = turns[:, :2] / np.diff(t)[:, None]
    speed = np.linalg.norm(pace, axis=1)
    ways = [_way(turn) if fast else "" for turn, fast in zip(turns, speed > PACE * speed.max(), strict=True)]
    found = []
    for begin, end in _runs(ways):
        total = turns[begin:end, :2].sum(axis=0)
        size, minor = float(np.abs(total).max()), float(np.abs(total).min())
        found.append(Stroke(ways[begin], size, size > PLAIN * minor, end))
    largest = max((stroke.size for stroke in found), default=0.0)
    return [stroke for stroke in found if stroke.size >= max(LEAST_RAD, share * largest)]


def _way(turn: Doubles) -> str:
    """The way of a turn in camera axes: about y is left and right, about x up and down."""
    if abs(turn[1]) >= abs(turn[0]):
        return "R" if turn[1] > 0 else "L"
    return "U" if turn[0] > 0 else "D"


def _runs(ways: Sequence[str]) -> list[tuple[int, int]]:
    """Stretches [begin, end) of one way."""
    runs, begin = [], 0
    for k in range(1, len(ways) + 1):
        if k == len(ways) or ways[k] != ways[begin]:
            if ways[begin]:
                runs.append((begin, k))
            begin = k
    return runs


def followed(asked: str, order: str) -> bool:
    """Whether the strokes read are the turns asked for: in a row, or each there and back (the last return may
    lie beyond the burst). Two strokes one way in a row may be one long one."""
    there_and_back = _joined("".join(letter + OPPOSITE[letter] for letter in asked))
    return _joined(order) in {asked, there_and_back, there_and_back[:-1]}


def _joined(order: str) -> str:
    """Each letter once where it stands several times in a row."""
    return "".join(letter for k, letter in enumerate(order) if order[k - 1 : k] != letter)


def asked_strokes(turns: str, ways: Sequence[str], *, stepped: bool) -> int:
    """How many strokes are the turns asked for, from the first; 0 where they are others.

    Who steps aside turns a little meanwhile, to keep the sheet in view: one more to a side may follow, and
    where the last return went the same way the two look like one in a row.
    """
    order = "".join(ways)
    more = stepped and order[-1:] in {"L", "R"} and followed(turns, order[:-1])
    if not followed(turns, order):
        return len(order) - 1 if more else 0
    whole = 2 * len(turns) if len(order) > 2 * len(turns) else len(turns)
    return len(order) - 1 if more and order[-2:-1] == order[-1] and len(order) > whole else len(order)


def read_turns(turned: Doubles, t: Doubles, turns: str, *, stepped: bool) -> tuple[list[Stroke], int, int]:
    """The strokes of a burst, how many of them, from the first, are the turns asked for (0: none are), and
    how many readings that took.

    Read plainly, else with the smaller swings: a hand may make one turn half as large as the next.
    """
    plain, close = (strokes(turned, t, share) for share in (SHARE, SMALL))
    for tried, read in enumerate((plain, close), start=1):
        if used := asked_strokes(turns, [stroke.way for stroke in read], stepped=stepped):
            return read, used, tried
    return plain, 0, 1


def within(asked: str, read: Sequence[Stroke]) -> bool:
    """The letters asked for come in this order, with others between: a hand that swung once too often."""
    rest = iter(stroke.way for stroke in read)
    return all(letter in rest for letter in asked)
