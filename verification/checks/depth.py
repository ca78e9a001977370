"""depth: the scene is no plane.

Stops: a screen, a print or a poster filmed by hand, whose motion and grain are true.
How: points followed between far-apart frames, against three models (`measures.parallax`): a turn, a
plane, depth. Points off the plane and on their epipolar lines are depth. A plane whose own shift shows,
with nothing off it, is flat. Where the code was seen, its sheet is left out of the scene, so that a true
sheet held before a screen does not lend it depth; and a sheet that moves with a shifting flat
background lies in it.
Limits: a far scene, or a phone that only turns, shows no shift: that says nothing (abstain). Walls,
floors and documents are honestly flat. A screen of two layers passes if they lie far enough apart: less
than RELIEF of the distance does not count as depth.
Figures (simulated, 19 photographs, 1.3 s at 10 frames/s, 480 x 360): three planes at .9 to 4 m, a hand at
rest: depth 15, flat 0. A screen at .5 m, a step of 8 cm: flat 14 of 18, depth 0. Two layers 5 cm apart at
.5 m: depth 0, flat 2, the rest unsaid; so a gap under a tenth of the distance is not taken for depth. A far
plane and a turning phone: wrongly depth 2 of 18 (faint textures). The simulated camera with a sheet, not
left out: depth 15.
Source: Hartley & Zisserman, Multiple View Geometry, 2004.
"""

from __future__ import annotations

import itertools

import cv2
import numpy as np

from verification.case import Case
from verification.evidence import Family, Json, Outcome, abstain, ok
from verification.measures.flow import Doubles, Mask, Tracks, homography, mapped, tracks_of
from verification.measures.parallax import Parallax, widest
from verification.measures.placing import code_in_frame, grown, inside
from verification.registry import check

DEEP = 0.05  # share of points off the plane from which there is depth
FLAT = 0.02  # share under which there is none
RELIEF = 0.15  # of the plane's shift: less is two layers of a screen, or a curved one
SHIFT_PX = 1.5  # a plane's own shift from which flatness can be told
AROUND = (2.0, 5.0)  # the sheet and its edge, in lengths and heights of the writing
WITH_PX = 1.0  # a sheet off the background by less than this moves with it


@check("depth", family=Family.DEPTH, version="1", cost=2, kinds={"photo", "video"}, bounds=(-3.0, 2.0))
def depth(case: Case) -> Outcome:
    """OK "scene_has_depth", "scene_is_flat" or "sheet_moves_with_background"; abstains "no_burst" or
    "no_parallax"."""
    tracks = tracks_of(case)
    if tracks is None or len(tracks.t) < 4:
        return abstain("no_burst")
    code = code_in_frame(case, tracks)
    apart = None if code is None else _sheet_against_scene(tracks, *code)
    keep = None if code is None else ~_on(tracks, *code)
    pairs = widest(tracks, keep)
    if not pairs:
        return abstain("no_parallax", points=int(tracks.xy.shape[1]))
    return _judged(pairs, apart)


def _judged(pairs: list[Parallax], apart: float | None) -> Outcome:
    """What the pairs say (the most off the plane first), and how far the sheet is off the scene (pixels)."""
    best = pairs[min(1, len(pairs) - 1)]  # the second: one pair may err
    shift = max(pair.shift_px for pair in pairs)
    facts = _facts(best, shift) | ({} if apart is None else {"sheet_px": round(apart, 2)})
    if best.off >= DEEP and best.relief >= RELIEF:
        return ok(min(2.0, 0.5 + 6 * best.off), "scene_has_depth", **facts)
    if best.off < FLAT and shift >= SHIFT_PX:
        against = -min(2.5, 0.8 + 0.25 * shift)
        if apart is not None and apart < WITH_PX:
            return ok(min(against, -1.5), "sheet_moves_with_background", **facts)
        return ok(against, "scene_is_flat", **facts)
    if apart is not None and apart >= 3 * WITH_PX and shift < SHIFT_PX:
        return ok(0.8, "scene_has_depth", **facts)  # a near sheet before a far scene
    return abstain("no_parallax", **facts)


def _facts(best: Parallax, shift: float) -> dict[str, Json]:
    return {
        "points": best.points,
        "off_plane": round(best.off, 3),
        "relief": round(best.relief, 2),
        "shift_px": round(shift, 2),
        "travel_px": round(best.travel_px, 1),
    }


def _on(tracks: Tracks, frame: int, box: Doubles) -> Mask:
    """Points that in any frame lie on the sheet or at its edge, bool[m]; `box` is the writing's in `frame`.

    The sheet is carried from frame to frame by a similarity of the points on the writing: a homography of
    so small a patch would not hold beyond it.
    """
    held = np.zeros(tracks.xy.shape[1], bool)
    for way in (range(frame, len(tracks.t)), range(frame, -1, -1)):
        lies = box
        for before, k in itertools.pairwise([frame, *way]):
            here, there, _ = tracks.common(before, k)
            near = inside(grown(lies, 1.2, 1.5), here)
            if near.sum() >= 4:
                moved, _ = cv2.estimateAffinePartial2D(here[near], there[near], ransacReprojThreshold=1.5)
                lies = lies if moved is None else lies @ moved[:, :2].T + moved[:, 2]
            known = np.nonzero(np.isfinite(tracks.xy[k, :, 0]) & ~held)[0]
            held[known[inside(grown(lies, *AROUND), tracks.xy[k, known])]] = True
    return held


def _sheet_against_scene(tracks: Tracks, frame: int, box: Doubles) -> float | None:
    """The largest median distance, over far-apart frames, of the sheet's points off the scene's plane."""
    sheet, around = grown(box, 1.2, 1.5), grown(box, *AROUND)
    found = []
    for k in {0, len(tracks.t) // 2, len(tracks.t) - 1} - {frame}:
        here, there, _ = tracks.common(frame, k)
        on, off = inside(sheet, here), ~inside(around, here)
        plane, _ = homography(here[off], there[off])
        if plane is not None and on.sum() >= 6 and off.sum() >= 30:
            found.append(float(np.median(np.linalg.norm(mapped(plane, here[on]) - there[on], axis=1))))
    return max(found, default=None)
