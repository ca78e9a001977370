"""moment: the photo is one moment of the burst around it, all of it.

Stops: an honest burst of any place handed in with a prepared photo; the burst's own photo with something
pasted in, taken away, or another code on its sheet.
How: the photo is registered with the frames it is most like (`measures.placing`) and compared with
them place by place (`measures.alteration`), the letters of its code with those in the frames
(`measures.same_code`). Where it is not found, or most of it differs, it is registered once more without
the sheet that carries the code (by ORB features, then by the engine's net): a cheat holds the same sheet
into the photo and into the burst.
Limits: what moves honestly differs too where it outruns the frames: the word against is bounded, rises with
the area and proves nothing. What leaves neither structure, brightness nor colour changed is not seen, nor a
change of much under FIRM of the picture, nor what is changed in photo and burst alike; about the sheet and
below it, where the arm is, brightness and colour are not compared, and nowhere when a sheet was asked for and
not found. A photo made of one of the frames passes. No real burst was there to measure on.
Figures (simulated, before the last model of the gain; calibration photographs, removal filled by another
method and of other sizes than reported): of
81 regions filled in or cloned over, 52 reached .006 of the picture (42 by structure alone), and
none of 120 honest photos, two thirds of them 1/16 s from the next frame, over .0026. A made passer-by (3 % of
the picture, up to .7 picture widths a second) reached it in 10 of 40. Untouched letters correlated .47 and
more (41), others .43 at most (61).
Source: Rublee et al., ORB, ICCV 2011; Barath et al., MAGSAC++, CVPR 2020; Kroeger et al., DIS, ECCV 2016;
Evangelidis & Psarakis, ECC, PAMI 2008.
"""

from __future__ import annotations

import cv2
import numpy as np

from verification.case import Case, Doubles, Engine
from verification.evidence import Family, Json, Outcome, abstain, ok
from verification.measures.alteration import Difference, difference
from verification.measures.flow import homography
from verification.measures.placing import SEEN, Placed, alike, grown, place, placed_in_burst, small
from verification.measures.same_code import likeness
from verification.picture import Pixels
from verification.registry import check

PLENTY = 120  # features on both sides, without which nothing speaks against
NONE = 12  # fewer inliers with plenty of features are no match
SHEET = (2.0, 5.0)  # the sheet, in lengths and heights of the writing
MUCH = 0.05  # share of the picture; more may differ because the sheet alone was registered
FIRM = 0.005
REGION = ((0.003, FIRM, 0.02), (0.0, -2.0, -4.0))  # share of the picture that differs -> nats
LETTERS = ((0.32, 0.46), (-4.0, 0.0))  # correlation of the letters -> nats
SAME = 0.7  # from which no further frame need be asked
ASKED = 4  # frames for the letters


@check("moment", family=Family.BELONGING, version="5", cost=2, kinds={"photo"}, bounds=(-4.0, 0.5))
def moment(case: Case) -> Outcome:
    """OK "photo_in_burst", "photo_not_in_burst", "photo_altered" or "code_not_in_burst"; abstains
    "no_burst" or "photo_unclear"."""
    where = placed_in_burst(case)
    if case.picture is None or where is None:
        return abstain("no_burst")
    photo, frames, code = case.picture.rgb, [frame.rgb for frame in case.frames], case.code_box
    facts = _registered(where)
    sheet = None if code is None else grown(code, *SHEET)
    levels = sheet is not None or not case.evidence.session.code
    found = difference(photo, frames, where, sheet, levels=levels)
    if found is None or found.share > MUCH:
        other = _bare(case.tools.engine, _without(photo, sheet), frames)
        facts = _registered(other)
        if not other.found and other.inliers < NONE and other.features >= PLENTY:
            return ok(-3.0, "photo_not_in_burst", **facts)
        second = difference(photo, frames, other, sheet, levels=levels)
        if second is not None and (found is None or second.share < found.share):
            where, found = other, second
    if found is None:
        return abstain("photo_unclear", **facts)
    letters = None if code is None else _letters(photo, frames, where, code)
    return _judged(found, letters, facts)


def _registered(where: Placed) -> dict[str, Json]:
    return {
        "inliers": where.inliers,
        "features": where.features,
        "likeness": round(where.likeness, 2),
    }


def _judged(found: Difference, letters: float | None, facts: dict[str, Json]) -> Outcome:
    """What the places and the letters say of a photo that was found in the burst."""
    facts |= {
        "differs": round(found.share, 4),
        "box": [round(side, 2) for side in found.box],
        "levels": round(found.levels, 1),
        "compared": round(found.compared, 2),
        "frames": found.frames,
    }
    altered = float(np.interp(found.share, *REGION))
    other_code = 0.0 if letters is None else float(np.interp(letters, *LETTERS))
    if letters is not None:
        facts["letters"] = round(letters, 2)
    if min(altered, other_code) == 0:
        return ok(0.5, "photo_in_burst", **facts)
    if other_code < altered:
        return ok(other_code, "code_not_in_burst", **facts)
    return ok(altered, "photo_altered", **facts)


def _letters(photo: Pixels, frames: list[Pixels], where: Placed, code: Doubles) -> float | None:
    """The best likeness of the code's letters among the frames most like the photo."""
    best: float | None = None
    for k in [where.frame, *(k for k in alike(photo, frames) if k != where.frame)][:ASKED]:
        matrix = where.matrix if k == where.frame else place(photo, [frames[k]]).matrix
        like = None if matrix is None else likeness(photo, frames[k], matrix, code)
        if like is not None:
            best = like if best is None else max(best, like)
        if best is not None and best >= SAME:
            break
    return best


def _without(rgb: Pixels, sheet: Doubles | None) -> Pixels:
    """The photo with the sheet painted over."""
    if sheet is None:
        return rgb
    painted = rgb.copy()
    cv2.fillConvexPoly(painted, np.round(sheet).astype(np.int32), (128, 128, 128))
    return painted


def _bare(eyes: Engine, photo: Pixels, frames: list[Pixels]) -> Placed:
    """The photo's place by ORB features; by the engine's where those find too little."""
    where = place(photo, frames)
    if where.found:
        return where
    (here, zoom), (there, frame_zoom) = small(photo), small(frames[where.frame])
    a, b = eyes.features(here), eyes.features(there)
    pairs, count = eyes.match(a, b), max(where.features, min(len(a.xy), len(b.xy)))
    if len(pairs) < 8:
        return Placed(where.frame, None, where.inliers, 0.0, count, where.likeness)
    one, two = a.xy[pairs[:, 0]].astype(np.float64), b.xy[pairs[:, 1]].astype(np.float64)
    matrix, together = homography(one, two, 3.0)
    if matrix is not None:
        matrix = np.diag([1 / frame_zoom, 1 / frame_zoom, 1]) @ matrix @ np.diag([zoom, zoom, 1])
    inliers = int(together.sum())
    # The net's matches are many: their number counts, not their share.
    share = 1.0 if inliers >= SEEN else 0.0
    return Placed(
        where.frame,
        matrix,
        inliers if inliers >= SEEN else max(inliers, where.inliers),
        share,
        count,
        where.likeness,
    )
