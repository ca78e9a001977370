"""pan: the phone was turned, and moved aside, in the order drawn at random for this claim.

Stops: clips prepared before the claim, of whatever origin: they move in another order, or not at all.
How: turns are cut into strokes, one wherever the camera swings one way at more than a quarter of its top
speed; a stroke's direction is that of its larger part. They are read from the gyroscope where it agrees
with the frames (it feels no step, and no texture is too little for it), else from the frames
(`measures.flow`). The order may be swung one after the other, or each there and back again. The step is what
is left of the way of the sheet, or of the scene, after the last stroke once the turn is taken away
(`measures.stepping`): it goes against the step.
Limits: a person who reads the order can follow it before a screen, and a clip can be turned by program
when the order is known: this proves the time, not the scene. Guessing succeeds once in 4^n (twice that,
for the two ways of swinging; twice again where small swings had to be counted; half, with a step). Diagonal
or jerky swings, an extra one and a step that is not seen are left unread; only a plainly read other order is
proof, and a step the other way only where the sheet had stayed in its place until then.
Figures (simulated, 26 frames at 8/s, calibration split): of 120 honest bursts all read right.
"""

from __future__ import annotations

import numpy as np

from verification.case import Case, Doubles
from verification.evidence import Family, Json, Outcome, abstain, hard_fail, ok
from verification.measures.flow import Tracks, tracks_of
from verification.measures.stepping import Course, Sheet, Stepping, background, stepping_of
from verification.measures.strokes import OPPOSITE, SMALL, parted, read_turns, strokes, within
from verification.registry import check

SHIFTS = {"<": 1.0, ">": -1.0}  # where a step to that side shifts the scene to
AGREES = 0.7  # of felt with seen turns
SCALES = (0.5, 2.0)  # of seen over felt turns: the focal length, and a wrist's swing before something near
FEWEST = 4  # pairs of frames that can be compared
SHEET_PX, SCENE_PX, POINTS = (
    12.0,
    3.0,
    10,
)  # the least shift across, and points of the scene, that show a step
BEGINS = 3  # frames about the end of the turns that a sheet's shift is told from
PLAIN_PX = 40.0  # and that of the sheet from which the wrong side is proof


@check("pan", family=Family.MOVES, version="7", cost=2, kinds={"photo", "video"}, bounds=(-5.0, 3.0))
def pan(case: Case) -> Outcome:
    """OK "pan_followed"; hard-fails "wrong_pan"; abstains "no_pan_asked", "no_burst", "pan_unclear" or
    "step_unclear"."""
    asked = case.evidence.session.pan
    turns, side = parted(asked)
    if not asked or set(turns) - set(OPPOSITE):
        return abstain("no_pan_asked")
    tracks = tracks_of(case)
    if tracks is None or len(tracks.t) < 4:
        return abstain("no_burst")
    stepping = stepping_of(case, tracks)
    turned = tracks.turns if stepping.course is None else stepping.course.felt
    read, used, tried = read_turns(turned, tracks.t, turns, stepped=bool(side))
    ends = read[used - 1].end if used else len(tracks.t) - 1
    felt = _felt(tracks, stepping, ends)
    chance = 2 * tried * 4.0 ** -len(turns) * (0.5 if side else 1.0)
    facts: dict[str, Json] = {"asked": len(asked), "seen": len(read), "chance": float(f"{chance:.1e}")}
    if felt is not None:
        facts["agreement"] = round(felt, 3)
    if case.sensed is not None and (felt is None or felt < AGREES):
        return abstain("pan_unclear", **facts)
    if not used:
        clear = all(stroke.plain for stroke in read) and len(read) >= len(turns)
        close = [strokes(ways, tracks.t, SMALL) for ways in (turned, tracks.turns)]
        other = clear and not any(within(turns, ways) for ways in close)
        return hard_fail("wrong_pan", **facts) if other else abstain("pan_unclear", **facts)
    llr = min(-np.log(chance), 3.0) * (1.0 if felt is not None else 0.5)
    if not side:
        return ok(float(llr), "pan_followed", **facts)
    return _stepped(tracks, stepping, ends, side, ok(float(llr), "pan_followed", **facts))


def _stepped(tracks: Tracks, stepping: Stepping, start: int, side: str, followed: Outcome) -> Outcome:
    """What becomes of an order whose turns were followed, by the step seen after them."""
    shift, plain = _shift(tracks, stepping, start)
    if shift is None:
        return abstain("step_unclear", **followed.facts)
    facts = {**followed.facts, "step_px": round(shift, 1)}
    if shift * SHIFTS[side] > 0:
        return ok(followed.llr, followed.reason, **facts)
    return hard_fail("wrong_pan", **facts) if plain else abstain("step_unclear", **facts)


def _shift(tracks: Tracks, stepping: Stepping, start: int) -> tuple[float | None, bool]:
    """Pixels to the right that the sheet, or else the scene, is shifted from a frame on, the turn taken away,
    and whether that is plain; None where neither is seen to shift."""
    course, sheet = stepping.course, stepping.sheet
    if course is None:
        return None, False
    if sheet is not None:
        shift = _sheet_shift(tracks, course, sheet, start)
        if shift is not None and abs(shift[0]) >= SHEET_PX:
            least = max(PLAIN_PX, 3 * abs(shift[1]), strayed(tracks, course, sheet, start))
            return float(shift[0]), abs(shift[0]) >= least
    last = len(tracks.t) - 1
    moved = background(tracks, course, sheet, start, last)[1]
    across = float(np.median(moved[:, 0])) if len(moved) >= POINTS else 0.0
    return (across, False) if abs(across) >= SCENE_PX else (None, False)


def _sheet_shift(tracks: Tracks, course: Course, sheet: Sheet, start: int) -> Doubles | None:
    """Pixels float64[2] that the sheet is shifted from about a frame to where it was seen last; of the first
    frames it was seen in the median, for one in mid-turn may err."""
    seen = sorted(k for k in sheet.places if k >= start - 1)
    begins = [k for k in seen[:BEGINS] if k < seen[-1]]
    shifts = [shift for k in begins if (shift := sheet.shift(tracks, course, k, seen[-1])) is not None]
    return np.median(shifts, axis=0) if shifts else None


def strayed(tracks: Tracks, course: Course, sheet: Sheet, start: int) -> float:
    """Pixels that the sheet had been shifted, the turn taken away, before any step: from its own frame to
    about the end of the turns. Much of it means that something else was followed."""
    seen = [k for k in sorted(sheet.places) if k >= start - 1][:BEGINS]
    shifts = [sheet.shift(tracks, course, sheet.frame, k) for k in seen] if sheet.frame < start else []
    away = [float(np.linalg.norm(shift)) for shift in shifts if shift is not None]
    return float(np.median(away)) if away else 0.0


def _felt(tracks: Tracks, stepping: Stepping, ends: int) -> float | None:
    """How well the gyroscope agrees with the frames, in all or as far as the turns went; None without one."""
    if stepping.course is None:
        return None
    seen, felt = tracks.turns[:ends, :2], stepping.course.felt[:ends, :2]
    known = np.isfinite(seen[:, 0])
    seen, felt = seen[known], felt[known]
    if len(seen) < FEWEST:
        return stepping.course.value
    scale = np.clip((seen * felt).sum() / max(float((felt**2).sum()), 1e-9), *SCALES)
    both = float((seen**2).sum() + ((scale * felt) ** 2).sum())
    return max(stepping.course.value, 2 * float((seen * scale * felt).sum()) / max(both, 1e-9))
