"""moment: the photo is one moment of the burst around it.

Stops: an honest burst of any place handed in with a prepared photo.
How: the photo is registered with the frames it is most like (`measures.placing`: ORB features, then
the engine's net where those find too little), without the sheet that carries the code: a cheat holds the
same sheet into the photo and into the burst.
Limits: a photo altered in one place still registers (the splice checks look there); scenes without
texture say nothing; a photo made of one of the frames passes.
Source: Rublee et al., ORB, ICCV 2011; Barath et al., MAGSAC++, CVPR 2020.
"""

from __future__ import annotations

import cv2
import numpy as np

from verification.case import Case, Doubles, Engine
from verification.evidence import Family, Json, Outcome, abstain, ok
from verification.measures.flow import homography
from verification.measures.placing import SEEN, grown, place, small
from verification.picture import Pixels
from verification.registry import check

PLENTY = 120  # features on both sides, without which nothing speaks against
NONE = 12  # fewer inliers with plenty of features are no match


@check("moment", family=Family.BELONGING, version="2", cost=2, kinds={"photo"}, bounds=(-3.0, 0.5))
def moment(case: Case) -> Outcome:
    """OK "photo_in_burst" or "photo_not_in_burst"; abstains "no_burst" or "photo_unclear"."""
    if case.picture is None or not case.frames:
        return abstain("no_burst")
    photo = _without_sheet(case.picture.rgb, case.code_box)
    where = place(photo, [frame.rgb for frame in case.frames])
    facts: dict[str, Json] = {
        "inliers": where.inliers,
        "features": where.features,
        "likeness": round(where.likeness, 2),
    }
    if where.found:
        return ok(0.5, "photo_in_burst", **facts)
    inliers, features = _by_net(case.tools.engine, photo, case.frames[where.frame].rgb)
    facts |= {"net_inliers": inliers, "net_features": features}
    if inliers >= SEEN:
        return ok(0.3, "photo_in_burst", **facts)
    if max(inliers, where.inliers) < NONE and max(where.features, features) >= PLENTY:
        return ok(-3.0, "photo_not_in_burst", **facts)
    return abstain("photo_unclear", **facts)


def _without_sheet(rgb: Pixels, code_box: Doubles | None) -> Pixels:
    """The photo with the sheet (twice the writing's length, five times its height) painted over."""
    if code_box is None:
        return rgb
    painted = rgb.copy()
    cv2.fillConvexPoly(painted, np.round(grown(code_box, 2.0, 5.0)).astype(np.int32), (128, 128, 128))
    return painted


def _by_net(eyes: Engine, photo: Pixels, frame: Pixels) -> tuple[int, int]:
    """Inliers by the engine's features, and the smaller count of them."""
    a, b = eyes.features(small(photo)[0]), eyes.features(small(frame)[0])
    pairs = eyes.match(a, b)
    count = min(len(a.xy), len(b.xy))
    if len(pairs) < 8:
        return 0, count
    here, there = a.xy[pairs[:, 0]].astype(np.float64), b.xy[pairs[:, 1]].astype(np.float64)
    return int(homography(here, there, 3.0)[1].sum()), count
