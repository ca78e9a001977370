"""Where faces and plates are between the moments at which a film was looked at: areas become veils that move.

A film is looked at for faces three times a second and more. Areas of two such moments that may be one thing
are linked, and the veil goes from one to the other in a straight line. Where that is a guess, more is veiled:
what moved far is veiled at both places as well, what is not found again stays veiled for a while, before and
after, and what is found again within GAP was there in between.
Limits: a face that is only there between two looks is not veiled, nor one that moves to and fro faster.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

Area: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom, 0..1 of the picture
Look: TypeAlias = tuple[float, Sequence[Area]]  # seconds, and what was found
Seen: TypeAlias = list[tuple[float, Area]]  # one thing: when it was found (seconds, rising), and where

GAP = 1.0  # seconds for which a face may go unseen, between two looks that saw it
HOLD = 0.5  # seconds for which one is veiled before it is first seen and after it is last seen, at least
REACH = 2.0  # widths (heights) of an area that its middle may move between two looks
JUMP = 0.25  # widths (heights) from which the way between is a guess
SIZES = 2.0  # times that one may be as wide or as high as the other
SAME = 0.5  # widths (heights) within which two areas of one moment are one


@dataclass(frozen=True, slots=True)
class Veil:
    """An area that goes in a straight line from `first`, at `start` seconds, to `last`, at `end`."""

    start: float
    end: float
    first: Area
    last: Area


Tracks: TypeAlias = tuple[tuple[Veil, ...], ...]  # the veils of each face or number plate


def linked(looks: Sequence[Look]) -> list[Seen]:
    """What was found at several moments, a thing each.

    Args:
        looks: in any order; several of one moment count as one.
    """
    found: list[Seen] = []
    before = 0.0
    for t, areas in _moments(looks):
        alive = [seen for seen in found if seen[-1][0] == before or t - seen[-1][0] <= GAP]
        left = list(areas)
        for seen, area in _pairs(alive, areas):
            seen.append((t, area))
            left.remove(area)
        found += [[(t, area)] for area in left]
        before = t
    return found


def _moments(looks: Sequence[Look]) -> list[tuple[float, list[Area]]]:
    """The looks by time, one a moment; an area that was found twice there is as large as both."""
    moments: dict[float, list[Area]] = {}
    for t, areas in looks:
        held = moments.setdefault(t, [])
        for area in areas:
            twin = next((other for other in held if apart(area, other) <= SAME), None)
            if twin is not None:
                held.remove(twin)
            held.append(area if twin is None else _around(area, twin))
    return sorted(moments.items())


def _pairs(alive: Sequence[Seen], areas: Sequence[Area]) -> Iterator[tuple[Seen, Area]]:
    """Faces with the areas that go on with them, the nearest first; each at most once."""
    near = sorted(
        (apart(seen[-1][1], area), k, n) for k, seen in enumerate(alive) for n, area in enumerate(areas)
    )
    taken: set[int] = set()
    gone: set[int] = set()
    for far, k, n in near:
        if far <= REACH and k not in taken and n not in gone:
            taken.add(k)
            gone.add(n)
            yield alive[k], areas[n]


def veils(seen: Seen, times: Sequence[float], seconds: float) -> Iterator[Veil]:
    """Of one thing: before it was found, from look to look, and after.

    Args:
        times: of all looks, seconds, rising, whatever they found.
        seconds: of the film's last frame.
    """
    (first, at_first), (last, at_last) = seen[0], seen[-1]
    yield Veil(_before(first, times), first, at_first, at_first)
    for (one, a), (other, b) in pairwise(seen):
        yield Veil(one, other, a, b)
        if apart(a, b) > JUMP:
            yield Veil(one, min(other, _after(one, times, seconds)), a, a)
            yield Veil(max(one, _before(other, times)), other, b, b)
    yield Veil(last, _after(last, times, seconds), at_last, at_last)


def _before(t: float, times: Sequence[float]) -> float:
    """From when on what was first found at a look is veiled."""
    number = bisect_left(times, t)
    return max(0.0, min(times[number - 1], t - HOLD)) if number else 0.0


def _after(t: float, times: Sequence[float], seconds: float) -> float:
    """Until when what was last found at a look is veiled."""
    number = bisect_right(times, t)
    return max(times[number], t + HOLD) if number < len(times) else max(seconds, t)


def apart(a: Area, b: Area) -> float:
    """Between the middles, in mean widths or heights, whichever is more; over REACH for unlike sizes."""
    most = 0.0
    for low, high in ((0, 2), (1, 3)):
        one, other = a[high] - a[low], b[high] - b[low]
        if max(one, other) > SIZES * min(one, other):
            return REACH + 1
        most = max(most, abs(a[low] + a[high] - b[low] - b[high]) / (one + other))
    return most


def _around(a: Area, b: Area) -> Area:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
