"""scene: the photograph looks like the place, as the asker's reference photographs show it.

Stops: a photograph of some other place under the right position, where there are references; and a
reference handed back as if it were a fresh look.
How: local features of the photograph and of each reference are matched and checked for one geometry
(`measures.recognition`); the strongest agreement counts, and more of it says more. It is bounded low:
a cheat may have an old picture of the right place. A photograph that is the very exposure of a reference is
a copy of it. No agreement speaks against the capture only where there are several rich references that
recognise each other, and then little: night, snow or another side of the house look different too.
Limits: a reference taken in other light or from another side is often not recognised; then it is silent.
Earlier accepted captures are not used: the memory does not know how a capture was judged, and a cheat's
own earlier captures must not vouch for the next. Pictures of the place itself pass (duplicates,
recapture and freshness are other checks' matter).
Source: XFeat features (Potje et al., CVPR 2024) with MAGSAC; bench/place.py prints the error rates.
"""

from __future__ import annotations

import itertools
import math

from verification.case import Case
from verification.evidence import Family, Outcome, abstain, ok
from verification.measures.album import looks_of, own_look
from verification.measures.recognition import Recognition, recognise
from verification.registration import Look, compare
from verification.registry import check

MOST = 4  # references looked at: each costs a decoding and a pass of the net when it is first seen
MANY = 3  # and from so many a non-match says something,
RICH = 300  # of so many keypoints each
FAINT = 0.5  # strength below which there is no agreement at all
DIFFERS = -0.7  # nats: about half of honest looks by night or in another season are not recognised
MATCH, DOUBLE, STRONGEST = 0.7, 0.3, 1.3  # nats at strength 1, for each doubling, and at most


@check("scene", family=Family.SCENE, version="1", cost=2, kinds={"photo", "video"}, bounds=(-3.0, 1.3))
def scene(case: Case) -> Outcome:
    """OK "scene_matches", "scene_differs" or "copies_reference".

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
    engine = case.tools.engine
    found = [recognise(own.features, one.features, engine) for one in seen]
    best = max(range(len(found)), key=lambda index: found[index].strength)
    facts = _facts(found[best]) | {"references": len(seen)}
    if found[best].strength >= 1:
        if compare(own, seen[best], engine).copy:
            return ok(-3.0, "copies_reference", **facts)
        return ok(said(found[best].strength), "scene_matches", **facts)
    if found[best].strength < FAINT and _would_tell(own, seen, case):
        return ok(DIFFERS, "scene_differs", **facts)
    return abstain("scene_inconclusive", **facts)


def said(strength: float) -> float:
    """Nats for a match of this strength (1 and more)."""
    return min(STRONGEST, MATCH + DOUBLE * math.log2(strength))


def _would_tell(own: Look, seen: list[Look], case: Case) -> bool:
    """Whether the references are many, rich, and recognise each other, and the photograph is rich too."""
    rich = all(len(one.features.xy) >= RICH for one in [own, *seen])
    if len(seen) < MANY or not rich:
        return False
    pairs = itertools.combinations(seen, 2)
    known = [recognise(a.features, b.features, case.tools.engine).strength >= 1 for a, b in pairs]
    return sum(known) >= len(seen) - 1


def _facts(found: Recognition) -> dict[str, float]:
    return {"matches": found.matches, "inliers": found.inliers, "strength": round(found.strength, 2)}
