"""belongs: the photo is of the same moment as the burst around it.

Stops: an honest burst of any place handed in with a prepared photo.
How: the photo is registered with the frames it is most like (`measures.placing`: ORB features, then
the engine's net where those find too little).
Limits: a photo altered in one place still registers (the splice checks look there); scenes without
texture say nothing; a photo made of one of the frames passes.
Source: Rublee et al., ORB, ICCV 2011; Barath et al., MAGSAC++, CVPR 2020.
"""

from __future__ import annotations

import numpy as np

from verification.case import Case, Engine
from verification.evidence import Family, Json, Outcome, abstain, ok
from verification.measures.flow import homography
from verification.measures.placing import SEEN, placed_in_burst, small
from verification.picture import Pixels
from verification.registry import check

PLENTY = 120  # features on both sides, without which nothing speaks against
NONE = 12  # fewer inliers with plenty of features are no match


@check("belongs", family=Family.BELONGING, version="1", cost=2, kinds={"photo"}, bounds=(-3.0, 0.5))
def belongs(case: Case) -> Outcome:
    """OK "photo_in_burst" or "photo_not_in_burst"; abstains "no_burst" or "photo_unclear"."""
    where = placed_in_burst(case)
    if where is None or case.picture is None:
        return abstain("no_burst")
    facts: dict[str, Json] = {
        "inliers": where.inliers,
        "features": where.features,
        "likeness": round(where.likeness, 2),
    }
    if where.found:
        return ok(0.5, "photo_in_burst", **facts)
    inliers, features = _by_net(case.tools.engine, case.picture.rgb, case.frames[where.frame].rgb)
    facts |= {"net_inliers": inliers, "net_features": features}
    if inliers >= SEEN:
        return ok(0.3, "photo_in_burst", **facts)
    if max(inliers, where.inliers) < NONE and max(where.features, features) >= PLENTY:
        return ok(-3.0, "photo_not_in_burst", **facts)
    return abstain("photo_unclear", **facts)


def _by_net(eyes: Engine, photo: Pixels, frame: Pixels) -> tuple[int, int]:
    """Inliers by the engine's features, and the smaller count of them."""
    a, b = eyes.features(small(photo)[0]), eyes.features(small(frame)[0])
    pairs = eyes.match(a, b)
    count = min(len(a.xy), len(b.xy))
    if len(pairs) < 8:
        return 0, count
    here, there = a.xy[pairs[:, 0]].astype(np.float64), b.xy[pairs[:, 1]].astype(np.float64)
    return int(homography(here, there, 3.0)[1].sum()), count
