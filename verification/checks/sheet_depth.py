"""sheet_depth: the sheet with the code stands before its background, and does not lie in the same picture.

Stops: the code drawn or pasted into a still, a clip or a picture on a screen, whatever care was taken with
its look: all of one flat picture turns as one, while a sheet at arm's length shifts against what is behind
it as soon as the phone swings about a wrist or a body.
How: in the frames where the phone looks well aside of the one that shows the code, corners of the
background are followed straight from that frame (guessed from the turn, checked there and back) and give
one homography; the sheet's picture is sought by correlation. Its distance from where the background's
homography would put it is parallax.
Limits: a true sheet held before a screen stands out as it does before a scene; a sheet that lies on the
surface that fills the picture is honestly part of it, and so are walls it is pinned to. A scene rendered in
layers in real time passes.
Figures (simulated; 16 honest bursts, 40 of stills, screens and prints, turned twice there and back):
honest stand out 14, unclear 2, never in; flat ones lie in 32, unclear 8, never out. The thresholds were
set on these.
Source: Hartley & Zisserman, Multiple View Geometry, 2004, chapter 13 (parallax beside a plane).
"""

from __future__ import annotations

import cv2
import numpy as np

from verification.case import Case
from verification.evidence import Family, Outcome, abstain, ok
from verification.measures.flow import FOCAL, Doubles, Tracks, homography, mapped, straight, tracks_of
from verification.measures.parallax import headings
from verification.measures.placing import code_in_frame, grown
from verification.registry import check

SWING, MOST = 0.12, 0.4  # radians from the code's frame: less shifts nothing that can be told from noise
STANDS_OUT = 7.0  # pixels at a long side of 480
LIES_IN = 3.5
AROUND = (2.0, 5.0)  # the sheet and its edge, in lengths and heights of the writing
FOUND = 0.55  # least correlation of the sheet's picture with where it is found again


@check("sheet_depth", family=Family.DEPTH, version="2", cost=2, kinds={"photo", "video"}, bounds=(-5.0, 1.5))
def sheet_depth(case: Case) -> Outcome:
    """OK "sheet_stands_out" or "sheet_lies_in_the_picture"; abstains "no_code_in_burst", "no_swing" or
    "sheet_unclear"."""
    tracks = tracks_of(case)
    code = None if tracks is None else code_in_frame(case, tracks)
    if tracks is None or code is None:
        return abstain("no_code_in_burst")
    frame, box = code
    aside = _aside(tracks, frame)
    if not aside:
        return abstain("no_swing")
    seen = [apart for k in aside if (apart := _apart(tracks, frame, k, box)) is not None]
    if not seen:
        return abstain("sheet_unclear", frames=len(aside))
    apart = float(np.median(seen))
    facts = {"apart_px": round(apart, 1), "frames": len(seen)}
    if apart >= STANDS_OUT:
        return ok(min(1.5, 0.5 + apart / 20), "sheet_stands_out", **facts)
    if apart <= LIES_IN:
        return ok(-5.0, "sheet_lies_in_the_picture", **facts)
    return abstain("sheet_unclear", **facts)


def _aside(tracks: Tracks, frame: int) -> list[int]:
    """Frames that look aside of `frame`, but not so far that the sheet is likely to be out of the picture."""
    swing = np.linalg.norm(headings(tracks) - headings(tracks)[frame], axis=1)
    return np.flatnonzero((swing >= SWING) & (swing <= MOST)).tolist()


def _apart(tracks: Tracks, frame: int, other: int, box: Doubles) -> float | None:
    """How far the sheet is, in `other`, from where the background's plane would put it, in pixels."""
    before, after = tracks.greys[frame], tracks.greys[other]
    moved = _found_again(before, after, grown(box, 1.1, 1.4))
    # The sheet is left out before corners are chosen: beside its ink a soft background has none.
    free = np.full(before.shape, 255, np.uint8)
    cv2.fillConvexPoly(free, np.round(grown(box, *AROUND)).astype(np.int32), 0)
    corners = cv2.goodFeaturesToTrack(before, 300, 0.005, 6, mask=free, blockSize=5)
    if corners is None or moved is None:
        return None
    behind = corners.reshape(-1, 2).astype(np.float32)
    up, aside = (headings(tracks)[other] - headings(tracks)[frame]).tolist()
    guess = np.array([-aside, up], np.float32) * np.float32(FOCAL * max(tracks.size))
    plane, together = homography(*straight(before, after, behind, behind + guess), 2.0)
    if plane is None or together.sum() < 16 or together.mean() < 0.4:
        return None
    middle = box.mean(axis=0, keepdims=True)
    return float(np.linalg.norm(mapped(plane, middle) - (middle + moved)))


def _found_again(before: cv2.typing.MatLike, after: cv2.typing.MatLike, box: Doubles) -> Doubles | None:
    """How far the sheet's picture moved, float32[2] pixels (x, y); None where it is not found."""
    low = np.clip(np.floor(box.min(axis=0)).astype(int), 0, None)
    high = np.minimum(np.ceil(box.max(axis=0)).astype(int), (before.shape[1], before.shape[0]))
    patch = before[low[1] : high[1], low[0] : high[0]]
    if min(patch.shape) < 8 or patch.std() < 4:
        return None
    likeness = cv2.matchTemplate(after, patch, cv2.TM_CCOEFF_NORMED)
    _, best, _, where = cv2.minMaxLoc(likeness)
    return (np.array(where) - low).astype(np.float32) if best >= FOUND else None
