"""scene: the photograph looks like the place, as the asker's reference photographs show it.

Stops: a photograph of some other place under the right position, where there are references (one
of them handed back is `handed_back`'s matter).
How: local features of the photograph and of each reference are matched and checked for one geometry
(`measures.recognition`); the strongest agreement counts, and more of it says more. It is bounded low:
a cheat may have an old picture of the right place. Where the photograph is not recognised it is looked at
smaller; then with some frames of its burst laid on it, as one wide view (`measures.panorama`), if it lies in
that burst: a phone that turns shows more of the place, and less of it behind the sheet. What the burst shows
says no more than the least match.
No agreement speaks against the capture only where there are several rich references that recognise each
other, and then little: night, snow or another side of the house look different too.
Limits: a reference taken in other light or from another side is often not recognised; then it is silent.
Earlier accepted captures are not used: the memory does not know how a capture was judged, and a cheat's
own earlier captures must not vouch for the next. Pictures of the place itself pass (duplicates,
recapture and freshness are other checks' matter). Whoever swings past a picture of the place during the burst
has it recognised.
Figures (simulated, calibration photographs): of 48 honest captures with two to four references from another
spot all are recognised, 44 by the photograph as it is; of 24 of another place none. Photographs looked at
smaller beside 40,001 others of other places: at most .88 of a match; wide views beside 362: at most .73. Bar
codes left out: of 84 pairs with one of them 5 reach a match in the wide view, and one BY_BURST.
Source: XFeat features (Potje et al., CVPR 2024) with MAGSAC; bench/place.py prints the error rates.
"""

from __future__ import annotations

import itertools
import math

from verification.case import Case, Frame
from verification.evidence import Family, Outcome, abstain, ok
from verification.matching.registration import Features, Look, look
from verification.measures.album import looks_of, own_look
from verification.measures.panorama import widened
from verification.measures.placing import placed_in_burst
from verification.measures.recognition import SMALLER, TINY, Recognition, recognise, smaller
from verification.measures.sharpness import sharpness
from verification.registry import check

MOST = 4  # references looked at: each costs a decoding and a pass of the net when it is first seen
MANY = 3  # and from so many a non-match says something,
RICH = 300  # of so many keypoints each
FAINT, FAINT_WIDE = 0.5, 0.8  # strengths, of the photograph and the wide view, below which nothing agrees
DIFFERS = -0.7  # nats: about half of honest looks by night or in another season are not recognised
BY_SMALLER = 1.25  # more looks want more strength: bar codes beside others' reached 1.35
FRAMES = 5  # of the burst that are laid on the photograph where that alone is not recognised;
BY_BURST = 1.4  # so wide a view wants more: 1 of 84 pairs with bar codes reached it, others .73 at most
MATCH, DOUBLE, STRONGEST = 0.7, 0.3, 1.3  # nats at strength 1, for each doubling, and at most


@check("scene", family=Family.SCENE, version="4", cost=2, kinds={"photo", "video"}, bounds=(-3.0, 1.3))
def scene(case: Case) -> Outcome:
    """OK "scene_matches" or "scene_differs".

    Abstains "no_likeness_asked", "no_picture", "references_unreadable" or "scene_inconclusive".
    """
    given = case.evidence.references[:MOST]
    if not given:
        return abstain("no_likeness_asked")
    if case.picture is None:
        return abstain("no_picture")
    seen = looks_of(given, case)
    if not seen:
        return abstain("references_unreadable")
    return _judged(own_look(case), seen, case)


def _judged(own: Look, seen: list[Look], case: Case) -> Outcome:
    """The word on a photograph beside its readable references."""
    first = _closest(own.landmarks, seen, case)
    facts = _facts(first) | {"references": len(seen)}
    sizes: tuple[Features, ...] = (own.landmarks,)
    if first.strength < 1:
        sizes = _sizes(own, case)
        found = _closest(sizes[1], seen, case)
        facts |= {"smaller": round(found.strength, 2)}
        first = found if found.strength >= BY_SMALLER else first
    if first.strength >= 1:
        return ok(said(first.strength), "scene_matches", **facts)
    wide, widely = _wide(sizes, case), 0.0
    if wide is not None:
        widely = _closest(wide, seen, case).strength
        facts["burst"] = round(widely, 2)
        if widely >= BY_BURST:
            return ok(MATCH, "scene_matches", **facts)
    if first.strength < FAINT and widely < FAINT_WIDE and _would_tell(own, seen, case):
        return ok(DIFFERS, "scene_differs", **facts)
    return abstain("scene_inconclusive", **facts)


def _closest(features: Features, seen: list[Look], case: Case) -> Recognition:
    """The strongest agreement with a reference."""
    found = [recognise(features, one.landmarks, case.tools.engine) for one in seen]
    return max(found, key=lambda one: one.strength)


def _sizes(seen: Look, case: Case) -> tuple[Features, ...]:
    """A picture's features as it is, smaller and tiny."""
    return seen.landmarks, *(smaller(seen, case.tools.engine, side) for side in (SMALLER, TINY))


def _wide(own: tuple[Features, ...], case: Case) -> Features | None:
    """What the photograph shows together with the sharpest frame of each part of the burst it lies in."""
    where = placed_in_burst(case)
    if where is None or not where.found:
        return None
    frames = [_sizes(look(frame.rgb, case.tools.engine), case) for frame in _chosen(case.frames)]
    return widened(own, frames, case.tools.engine)


def _chosen(frames: tuple[Frame, ...]) -> list[Frame]:
    """The sharpest of each of FRAMES parts."""
    edges = [round(len(frames) * part / FRAMES) for part in range(FRAMES + 1)]
    parts = [frames[begin:end] for begin, end in itertools.pairwise(edges)]
    return [max(part, key=lambda frame: sharpness(frame.rgb)) for part in parts if part]


def said(strength: float) -> float:
    """Nats for a match of this strength (1 and more)."""
    return min(STRONGEST, MATCH + DOUBLE * math.log2(strength))


def _would_tell(own: Look, seen: list[Look], case: Case) -> bool:
    """Whether the references are many, rich, and recognise each other, and the photograph is rich too."""
    rich = all(len(one.landmarks.xy) >= RICH for one in [own, *seen])
    if len(seen) < MANY or not rich:
        return False
    pairs = itertools.combinations(seen, 2)
    known = [recognise(a.landmarks, b.landmarks, case.tools.engine).strength >= 1 for a, b in pairs]
    return sum(known) >= len(seen) - 1


def _facts(found: Recognition) -> dict[str, float]:
    return {"matches": found.matches, "inliers": found.inliers, "strength": round(found.strength, 2)}
