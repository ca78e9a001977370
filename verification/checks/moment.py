"""moment: the photo is one moment of the burst around it, all of it.

Stops: an honest burst of any place handed in with a prepared photo; the burst's own photo with something
pasted in, taken away, or another code on its sheet.
How: the photo is registered with the frames it is most like (`measures.placing`: ORB features, then
the engine's net where those find too little), without the sheet that carries the code: a cheat holds the
same sheet into the photo and into the burst. Then it is compared with the frames place by place
(`measures.alteration`), and the letters of the code with those in the frames (`measures.same_code`).
Limits: what moves (a car, a passer-by) honestly differs too: the word against is bounded, rises with the
area and proves nothing. What has no texture on either side (an aeroplane taken from the sky leaves
sky) is not seen, nor is what is changed in photo and burst alike. A photo made of one of the frames passes.
Source: Rublee et al., ORB, ICCV 2011; Barath et al., MAGSAC++, CVPR 2020; Kroeger et al., DIS, ECCV 2016;
Evangelidis & Psarakis, ECC, PAMI 2008.
"""

from __future__ import annotations

import cv2
import numpy as np

from verification.case import Case, Doubles, Engine
from verification.evidence import Family, Json, Outcome, abstain, ok
from verification.measures.alteration import difference
from verification.measures.flow import homography
from verification.measures.placing import SEEN, Placed, grown, place, small
from verification.measures.same_code import likeness
from verification.picture import Pixels
from verification.registry import check

PLENTY = 120  # features on both sides, without which nothing speaks against
NONE = 12  # fewer inliers with plenty of features are no match
REGION = ((0.003, 0.006, 0.02), (0.0, -2.0, -4.0))  # share of the picture that differs -> nats
LETTERS = ((0.32, 0.46), (-4.0, 0.0))  # correlation of the letters -> nats
SAME = 0.7  # from which no further frame need be asked
ASKED = 4  # frames for the letters


@check("moment", family=Family.BELONGING, version="3", cost=2, kinds={"photo"}, bounds=(-4.0, 0.5))
def moment(case: Case) -> Outcome:
    """OK "photo_in_burst", "photo_not_in_burst", "photo_altered" or "code_not_in_burst"; abstains
    "no_burst" or "photo_unclear"."""
    if case.picture is None or not case.frames:
        return abstain("no_burst")
    photo, frames = case.picture.rgb, [frame.rgb for frame in case.frames]
    bare = _without_sheet(photo, case.code_box)
    where = place(bare, frames)
    facts: dict[str, Json] = {
        "inliers": where.inliers,
        "features": where.features,
        "likeness": round(where.likeness, 2),
    }
    if not where.found:
        seen = _by_net(case.tools.engine, bare, frames[where.frame], where)
        facts |= {"net_inliers": seen.inliers, "net_features": seen.features}
        if not seen.found:
            most, plenty = max(seen.inliers, where.inliers), max(seen.features, where.features) >= PLENTY
            if most < NONE and plenty:
                return ok(-3.0, "photo_not_in_burst", **facts)
            return abstain("photo_unclear", **facts)
        where = seen
    return _compared(photo, frames, where, case.code_box, facts)


def _compared(
    photo: Pixels, frames: list[Pixels], where: Placed, code: Doubles | None, facts: dict[str, Json]
) -> Outcome:
    """What the places and the letters say of a photo that was found in the burst."""
    against = {}
    found = difference(photo, frames, where)
    if found is not None:
        facts |= {
            "differs": round(found.share, 4),
            "box": [round(side, 2) for side in found.box],
            "levels": round(found.levels, 1),
            "compared": round(found.compared, 2),
            "frames": found.frames,
        }
        against["photo_altered"] = float(np.interp(found.share, *REGION))
    letters = None if code is None else _letters(photo, frames, where, code)
    if letters is not None:
        facts["letters"] = round(letters, 2)
        against["code_not_in_burst"] = float(np.interp(letters, *LETTERS))
    reason = min(against, key=lambda name: against[name], default="")
    if reason and against[reason] < 0:
        return ok(against[reason], reason, **facts)
    return ok(0.5, "photo_in_burst", **facts)


def _letters(photo: Pixels, frames: list[Pixels], where: Placed, code: Doubles) -> float | None:
    """The best likeness of the code's letters among the frames next to the photo."""
    best: float | None = None
    for k in sorted(range(len(frames)), key=lambda k: abs(k - where.frame))[:ASKED]:
        matrix = where.matrix if k == where.frame else place(photo, [frames[k]]).matrix
        like = None if matrix is None else likeness(photo, frames[k], matrix, code)
        if like is not None:
            best = like if best is None else max(best, like)
        if best is not None and best >= SAME:
            break
    return best


def _without_sheet(rgb: Pixels, code_box: Doubles | None) -> Pixels:
    """The photo with the sheet (twice the writing's length, five times its height) painted over."""
    if code_box is None:
        return rgb
    painted = rgb.copy()
    cv2.fillConvexPoly(painted, np.round(grown(code_box, 2.0, 5.0)).astype(np.int32), (128, 128, 128))
    return painted


def _by_net(eyes: Engine, photo: Pixels, frame: Pixels, where: Placed) -> Placed:
    """The same place by the engine's features."""
    (here, zoom), (there, frame_zoom) = small(photo), small(frame)
    a, b = eyes.features(here), eyes.features(there)
    pairs = eyes.match(a, b)
    count = min(len(a.xy), len(b.xy))
    if len(pairs) < 8:
        return Placed(where.frame, None, 0, 0.0, count, where.likeness)
    one, two = a.xy[pairs[:, 0]].astype(np.float64), b.xy[pairs[:, 1]].astype(np.float64)
    matrix, together = homography(one, two, 3.0)
    if matrix is not None:
        matrix = np.diag([1 / frame_zoom, 1 / frame_zoom, 1]) @ matrix @ np.diag([zoom, zoom, 1])
    inliers = int(together.sum())
    share = (
        1.0 if inliers >= SEEN else 0.0
    )  # the net's matches are many: their number counts, not their share
    return Placed(where.frame, matrix, inliers, share, count, where.likeness)
