"""depth: the scene behind the sheet is far, or is no plane.

Stops: a screen, a print or a poster filmed by hand, whose motion and grain are true, with or without a true
sheet held before it.
How: the phone is moved aside, or at least swings about a wrist. The turn is taken away by the gyroscope
(`measures.stepping`); what is left of the background's shift, as a share of the sheet's, is how near it is
(`measures.nearness`). A background at four times the sheet's distance is far. A nearer one whose shift is not
one plane's has depth, unless half of it lies on one plane, as a print does behind a few things; a nearer one
that is one plane is flat. What has depth or is far counts only where one true step showed it, before what the
photo shows (`measures.step_taken`), and in a burst without holes.
Without a gyroscope or a sheet, where no step was asked: points between far-apart frames against a turn,
a plane and depth (`measures.parallax`).
Limits: a wall or a table close behind the sheet is honestly flat. A large screen at FAR_M and four times the
sheet's distance passes, and a print that is a part of a true room's picture now and then. A background on
which nothing can be followed says nothing, nor does a phone that turned about its lens. A screen passes that
keeps up with the phone to some hundredths of a second, as one does that follows it by itself; so does an
accelerometer made up to fit. Two layers of a screen count as depth only from a gap of RELIEF of their
distance.
Figures (simulated, 26 frames at 8/s; calibration split, on which the thresholds were set): share of honest
scenes at most .2 but for 5 of 203, which were .2 to .28; of flat sources with and without a true sheet .32
to 1.35 (n = 179 of 189, the others not told). Relief of flat sources at most .31, of all but one at most
.17. Near scenes of several depths were made for the tests only. Those of the step: `measures.step_taken`.
Source: Hartley & Zisserman, Multiple View Geometry, 2004, chapters 9 and 13 (parallax beside a plane).
"""

from __future__ import annotations

import numpy as np

from verification.case import Case
from verification.evidence import Family, Json, Outcome, abstain, ok
from verification.measures.flow import Tracks, tracks_of
from verification.measures.nearness import Nearness, nearness
from verification.measures.parallax import Parallax, widest
from verification.measures.step_taken import step_taken
from verification.measures.strokes import parted
from verification.registry import check

FAR, NEAR = 0.25, 0.3  # of the sheet's shift
LAYERS, RELIEF = 0.2, 0.35  # relief of a plane at most, of a scene at least, as a share of its nearness
GAP_S = 0.5  # between frames: within more of it what stands before the phone can be changed
LAYERED = 0.5  # share of what is not far that is off any one plane: more than a few things before a print
PAIRS = 2  # of frames that must show it, and
MOST = 0.6  # share of all that must agree

DEEP = 0.05  # without a gyroscope: share of points off the plane from which there is depth
FLAT = 0.02  # share under which there is none
DEEP_RELIEF = 0.15  # of the plane's shift: less is two layers of a screen, or a curved one
SHIFT_PX = 1.5  # a plane's own shift from which flatness can be told


@check("depth", family=Family.DEPTH, version="12", cost=2, kinds={"photo", "video"}, bounds=(-4.0, 2.0))
def depth(case: Case) -> Outcome:
    """OK "background_far", "scene_has_depth", "scene_is_flat" or "sheet_was_moved"; abstains "no_burst",
    "frames_missing", "no_parallax" or "depth_unclear", and with the doubts of `measures.step_taken`."""
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
    if relief < LAYERS:
        return ok(-3.5, "scene_is_flat", **facts)
    layered = float(np.median([one.layered for one in shown if np.isfinite(one.layered)]))
    facts["layered"] = round(layered, 2)
    has_depth = relief >= RELIEF and layered >= LAYERED
    return ok(1.5, "scene_has_depth", **facts) if has_depth else abstain("depth_unclear", **facts)


def _if_one_step(case: Case, tracks: Tracks, seen: Outcome, shown: list[Nearness]) -> Outcome:
    """What was seen, where it may be believed."""
    share = float(np.median([one.share for one in shown]))
    step = step_taken(case, tracks, share, far=seen.reason == "background_far")
    facts = {**seen.facts, **step.facts}
    if step.doubt == "sheet_was_moved":
        return ok(-2.5, "sheet_was_moved", **facts)
    return abstain(step.doubt, **facts) if step.doubt else ok(seen.llr, seen.reason, **facts)


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
