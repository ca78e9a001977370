"""depth: the scene behind the sheet is far, or is no plane.

Stops: a screen, a print or a poster filmed by hand, whose motion and grain are true, with or without a true
sheet held before it.
How: the phone is moved aside, or at least swings about a wrist. The turn is taken away by the gyroscope
(`measures.stepping`); what is left of the background's shift, as a share of the sheet's, is how near it is
(`measures.nearness`). A background at four times the sheet's distance is far, if by the way that the phone
felt it went (`measures.carried`) it is FAR_M away and more: hardly a screen is. It must have gone evenly with
the sheet in every frame of the step (`measures.evenness`), as nothing does that is slid or carried along. A
nearer one whose shift is not one plane's has depth; a nearer one that is one plane is flat. What has depth or
is far counts only where the sheet went as the phone did, for whoever moves the paper before a screen shifts
the one and not the other, too; where what the photo shows is still there in the last frames; and in a burst
without holes.
Without a gyroscope or a sheet, where no step was asked: points between far-apart frames against a turn,
a plane and depth (`measures.parallax`).
Limits: a wall or a table close behind the sheet is honestly flat. A large screen at FAR_M and four times the
sheet's distance passes. A background on which nothing can be followed says nothing, nor does a phone that
turned about its lens. A screen that keeps up with the phone to a twentieth of a second passes, as one does
that follows the phone by itself; so does an accelerometer made up to fit. Two layers of a screen count as
depth only from a gap of RELIEF of their distance.
Figures (simulated, 26 frames at 8/s; calibration split, on which the thresholds were set): share of honest
scenes at most .2 but for 5 of 203, which were .2 to .28; of flat sources with and without a true sheet .32
to 1.35 (n = 179 of 189, the others not told). Relief of flat sources at most .31, of all but one at most
.17. Near scenes of several depths were made for the tests only. Of the sheet's way the phone's explains .81
and more of 59 honest bursts (9 mm and more, without its line), and under .5 of 24 of 29 in which the paper
was moved before a screen. What is far is at 2.5 m and more in 207 of 207 honest bursts (of two posters, 1.7),
a screen from which the paper was moved as the phone went at 0.9 to 1.5 m in 13 of 13: these were reported
families, so FAR_M has seen them. What is far was off by .065 of the sheet's shift at most in 56 honest bursts
by day and .07 in 45 at night; one of them showed under three frames of its step.
Source: Hartley & Zisserman, Multiple View Geometry, 2004, chapters 9 and 13 (parallax beside a plane).
"""

from __future__ import annotations

import numpy as np

from verification.case import Case
from verification.evidence import Family, Json, Outcome, abstain, ok
from verification.measures.carried import Carried, carried
from verification.measures.evenness import Evenness, evenness
from verification.measures.flow import Tracks, tracks_of
from verification.measures.nearness import Nearness, from_photo, nearness
from verification.measures.parallax import Parallax, widest
from verification.measures.strokes import parted
from verification.registry import check

FAR, NEAR = 0.25, 0.3  # of the sheet's shift
LAYERS, RELIEF = 0.2, 0.35  # relief of a plane at most, of a scene at least, as a share of its nearness
GAP_S = 0.5  # between frames: within more of it what stands before the phone can be changed
PAIRS = 2  # of frames that must show it, and
MOST = 0.6  # share of all that must agree

DEEP = 0.05  # without a gyroscope: share of points off the plane from which there is depth
FLAT = 0.02  # share under which there is none
DEEP_RELIEF = 0.15  # of the plane's shift: less is two layers of a screen, or a curved one
SHIFT_PX = 1.5  # a plane's own shift from which flatness can be told

JOINED = 0.15  # of the sheet's shift: what the photo shows goes as what is behind the sheet during the step
FELT = 0.8  # of the sheet's way explained by the phone's, from which the phone was carried
MOVED = 0.5  # below: the sheet was
ASTRAY = 0.2  # of the sheet's shift: in the frame that depth is read in it is where the phone's way puts it
FELT_M, NEAREST_M = 0.007, 0.15  # least way (without its line) that explains, and distance of a sheet
STEPS, UNEVEN = (
    3,
    0.075,
)  # frames of the step, and how far off in one the background may be, of the sheet's shift
FAR_M = 2.0  # metres by the phone's own way from which a background is far
SHARE = 0.01  # of the sheet's shift: less is not told from none


@check("depth", family=Family.DEPTH, version="9", cost=2, kinds={"photo", "video"}, bounds=(-4.0, 2.0))
def depth(case: Case) -> Outcome:
    """OK "background_far", "scene_has_depth", "scene_is_flat" or "sheet_was_moved"; abstains "no_burst",
    "frames_missing", "no_parallax", "depth_unclear", "step_elsewhere", "step_not_felt" or "step_uneven"."""
    tracks = tracks_of(case)
    if tracks is None or len(tracks.t) < 4:
        return abstain("no_burst")
    if case.film is None and np.diff(tracks.t).max() > GAP_S:
        return abstain("frames_missing", gap_s=round(float(np.diff(tracks.t).max()), 2))
    shown = [one for one in nearness(case, tracks) if np.isfinite(one.share)]
    if len(shown) >= PAIRS:
        seen = _beside_sheet(shown)
        return seen if seen.llr <= 0 else _if_one_step(case, tracks, seen, shown)
    sheet_lost = case.sensed is not None and case.code_box is not None  # its own depth would count
    if parted(case.evidence.session.pan)[1] or shown or sheet_lost:
        return abstain("no_parallax", pairs=len(shown))
    pairs = widest(tracks)
    return _alone(pairs) if pairs else abstain("no_parallax", points=int(tracks.xy.shape[1]))


def _beside_sheet(shown: list[Nearness]) -> Outcome:
    """What the pairs of frames say in which the sheet was shifted."""
    shares = np.array([one.share for one in shown])
    reliefs = np.array([one.relief for one in shown if np.isfinite(one.relief)])
    share = float(np.median(shares))
    relief = float(np.median(reliefs)) if len(reliefs) >= PAIRS else None
    facts: dict[str, Json] = {
        "pairs": len(shown),
        "share": round(share, 3),
        "relief": None if relief is None else round(relief, 2),
        "sheet_px": round(float(np.median([one.sheet_px for one in shown])), 1),
        "points": int(np.median([one.points for one in shown])),
    }
    if share <= FAR and (shares <= (FAR + NEAR) / 2).mean() >= MOST:
        return ok(1.5, "background_far", **facts)
    if share < NEAR or (shares >= (FAR + NEAR) / 2).mean() < MOST:
        return abstain("depth_unclear", **facts)
    if relief is None:
        return ok(-2.0, "scene_is_flat", **facts)
    if relief >= RELIEF:
        return ok(1.5, "scene_has_depth", **facts)
    return ok(-3.5, "scene_is_flat", **facts) if relief < LAYERS else abstain("depth_unclear", **facts)


def _if_one_step(case: Case, tracks: Tracks, seen: Outcome, shown: list[Nearness]) -> Outcome:
    """What was seen, where it is of what the photo shows, the phone was carried, and nothing else was."""
    share = float(np.median([one.share for one in shown]))
    if not any(abs(one.share - share) <= JOINED for one in from_photo(case, tracks)):
        return abstain("step_elsewhere", **seen.facts)
    said = _if_carried(seen, share, carried(case, tracks))
    return _if_even(said, evenness(case, tracks)) if said.reason == "background_far" else said


def _if_even(said: Outcome, even: Evenness | None) -> Outcome:
    """What was said, where the background went with the sheet in every frame of the step."""
    if even is None:
        return abstain("step_uneven", **said.facts)
    facts: dict[str, Json] = {**said.facts, "uneven": round(even.off, 3), "frames": even.frames}
    if even.frames < STEPS or even.off > UNEVEN:
        return abstain("step_uneven", **facts)
    return ok(said.llr, said.reason, **facts)


def _if_carried(seen: Outcome, share: float, way: Carried | None) -> Outcome:
    """What was seen, where the phone's own way is what shifted the sheet, and puts what is far so far."""
    if way is None:
        return abstain("step_not_felt", **seen.facts)
    known = np.isfinite(way.away_m)
    away_m = way.away_m / max(share, SHARE)
    facts: dict[str, Json] = {
        **seen.facts,
        "explained": round(way.explained, 2),
        "sheet_m": round(way.away_m, 2) if known else None,
        "background_m": round(away_m, 1) if known else None,
        "felt_m": round(way.felt_m, 4),
        "astray": round(way.astray, 2),
    }
    if way.explained < MOVED:
        return ok(-2.5, "sheet_was_moved", **facts)
    if way.explained < FELT or way.astray > ASTRAY or way.felt_m < FELT_M or way.away_m < NEAREST_M:
        return abstain("step_not_felt", **facts)
    if seen.reason == "background_far" and away_m < FAR_M:
        return abstain("depth_unclear", **facts)
    return ok(seen.llr, seen.reason, **facts)


def _alone(pairs: list[Parallax]) -> Outcome:
    """What the pairs say without a gyroscope, the most off the plane first."""
    best = pairs[min(1, len(pairs) - 1)]  # the second: one pair may err
    shift = max(pair.shift_px for pair in pairs)
    facts: dict[str, Json] = {
        "points": best.points,
        "off_plane": round(best.off, 3),
        "relief": round(best.relief, 2),
        "shift_px": round(shift, 2),
        "travel_px": round(best.travel_px, 1),
    }
    if best.off >= DEEP and best.relief >= DEEP_RELIEF:
        return ok(min(2.0, 0.5 + 6 * best.off), "scene_has_depth", **facts)
    if best.off < FLAT and shift >= SHIFT_PX:
        return ok(-min(2.5, 0.8 + 0.25 * shift), "scene_is_flat", **facts)
    return abstain("no_parallax", **facts)
