"""pan: the phone was turned in the order drawn at random for this claim.

Stops: clips prepared before the claim, of whatever origin: they turn in another order, or not at all.
How: the turns seen in the frames (`measures.flow`) are cut into strokes, one wherever the camera
swings one way at more than a quarter of its top speed; a stroke's direction is that of its larger
part. The order may be swung one after the other, or each there and back again. Where there is a
gyroscope it must agree with the frames.
Limits: a person who reads the order can follow it before a screen, and a clip can be turned by program
when the order is known: this proves the time, not the scene. Guessing succeeds once in 4^n (twice that,
for the two ways of swinging). Diagonal or jerky swings and an extra one are left unread; only a plainly
read other order is proof.
Figures (simulated, 48 bursts over 24 photographs, 3 turns of 8 to 22 degrees at 6 to 15 frames/s, 320 x
240, half of them there and back): 39 read right, 9 unread (little texture), none read wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from verification.case import Case, Doubles
from verification.evidence import Family, Json, Outcome, abstain, hard_fail, ok
from verification.measures.flow import Tracks, tracks_of
from verification.measures.turning import agreement, in_radians
from verification.registry import check

LEAST_RAD = 0.07  # four degrees: a smaller swing is no turn
SHARE = 0.4  # of the largest swing: what is smaller is a hand's correction
PACE = 0.25  # of the top speed: slower is rest
PLAIN = 2.0  # how many times the larger part of a swing exceeds the other
OPPOSITE = {"L": "R", "R": "L", "U": "D", "D": "U"}
AGREES = 0.7  # of felt with seen turns


@dataclass(frozen=True, slots=True)
class Stroke:
    """One swing: its way ("L", "R", "U", "D"), its size in radians, and whether its way is plain."""

    way: str
    size: float
    plain: bool


@check("pan", family=Family.CHALLENGE, version="2", cost=1, kinds={"photo", "video"}, bounds=(-5.0, 3.0))
def pan(case: Case) -> Outcome:
    """OK "pan_followed"; hard-fails "wrong_pan"; abstains "no_pan_asked", "no_burst" or "pan_unclear"."""
    asked = case.evidence.session.pan
    if not asked or set(asked) - set(OPPOSITE):
        return abstain("no_pan_asked")
    tracks = tracks_of(case)
    if tracks is None or len(tracks.t) < 4:
        return abstain("no_burst")
    read = strokes(tracks)
    order = "".join(stroke.way for stroke in read)
    chance = 2 * 4.0 ** -len(asked)
    facts: dict[str, Json] = {"asked": len(asked), "seen": len(order), "chance": float(f"{chance:.1e}")}
    felt = _felt(case, tracks)
    if felt is not None:
        facts["agreement"] = round(felt, 3)
    if felt is not None and felt < AGREES:
        return abstain("pan_unclear", **facts)
    if followed(asked, order):
        llr = min(-np.log(chance), 3.0) * (1.0 if felt is not None else 0.5)
        return ok(float(llr), "pan_followed", **facts)
    clear = all(stroke.plain for stroke in read) and bool(np.isfinite(tracks.turns).all())
    if clear and len(read) >= len(asked) and not _within(asked, order):
        return hard_fail("wrong_pan", **facts)
    return abstain("pan_unclear", **facts)


def followed(asked: str, order: str) -> bool:
    """Whether the strokes read are the ones asked for: in a row, or each there and back (the last
    return may lie beyond the burst)."""
    there_and_back = "".join(letter + OPPOSITE[letter] for letter in asked)
    return order in {asked, there_and_back, there_and_back[:-1]}


def _within(asked: str, order: str) -> bool:
    """The letters asked for come in this order, with others between: a hand that swung once too often."""
    rest = iter(order)
    return all(letter in rest for letter in asked)


def strokes(tracks: Tracks) -> list[Stroke]:
    """The swings of a burst, in order."""
    turns = np.nan_to_num(tracks.turns)
    pace = turns[:, :2] / np.diff(tracks.t)[:, None]
    speed = np.linalg.norm(pace, axis=1)
    ways = [_way(turn) if fast else "" for turn, fast in zip(turns, speed > PACE * speed.max(), strict=True)]
    found = []
    for begin, end in _runs(ways):
        total = turns[begin:end, :2].sum(axis=0)
        size, minor = float(np.abs(total).max()), float(np.abs(total).min())
        found.append(Stroke(ways[begin], size, size > PLAIN * minor))
    largest = max((stroke.size for stroke in found), default=0.0)
    return [stroke for stroke in found if stroke.size >= max(LEAST_RAD, SHARE * largest)]


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


def _felt(case: Case, tracks: Tracks) -> float | None:
    """How well the gyroscope agrees; None without one, or where it cannot be compared."""
    if case.sensed is None:
        return None
    found = agreement(tracks, case.sensed, in_radians(case.sensed))
    return None if found is None else found.value
