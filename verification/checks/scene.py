"""scene: the photograph looks like the place, as the asker's reference photographs show it.

Stops: a photograph of some other place under the right position, where there are references; and a
reference handed back as if it were a fresh look.
How: local features of the photograph and of each reference are matched and checked for one geometry
(`verification.recognition`); the strongest agreement counts, and more of it says more. It is bounded low:
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

import hashlib
import itertools
import math
import threading
from collections import OrderedDict

from verification.case import Case
from verification.evidence import Family, Outcome, abstain, ok
from verification.picture import Undecodable
from verification.recognition import Recognition, recognise
from verification.registration import Look, compare, look
from verification.registry import check

MOST = 4  # references looked at: each costs a decoding and a pass of the net when it is first seen
MANY = 3  # and from so many a non-match says something,
RICH = 300  # of so many keypoints each
FAINT = 0.5  # strength below which there is no agreement at all
DIFFERS = -0.7  # nats: about half of honest looks by night or in another season are not recognised
MATCH, DOUBLE, STRONGEST = 0.7, 0.3, 1.3  # nats at strength 1, for each doubling, and at most
_KEPT = 32  # looks of references kept: several captures answer one bounty


class _Album:
    """Looks of references by the hash of their bytes. Safe between threads."""

    def __init__(self) -> None:
        self._looks: OrderedDict[tuple[str, str], Look | None] = OrderedDict()
        self._lock = threading.Lock()

    def look_of(self, data: bytes, case: Case) -> Look | None:
        """What a reference looks like; None when it cannot be decoded."""
        key = (hashlib.sha256(data).hexdigest(), case.tools.engine.reason)
        with self._lock:
            if key in self._looks:
                self._looks.move_to_end(key)
                return self._looks[key]
        try:
            seen = look(case.tools.decoder.open(data).rgb, case.tools.engine)
        except Undecodable:
            seen = None
        with self._lock:
            self._looks[key] = seen
            while len(self._looks) > _KEPT:
                self._looks.popitem(last=False)
        return seen


_album = _Album()


@check("scene", family=Family.SCENE, version="1", cost=2, kinds={"photo"}, bounds=(-3.0, 1.3))
def scene(case: Case) -> Outcome:
    """OK "scene_matches", "scene_differs" or "copies_reference".

    Abstains "no_references", "no_picture", "references_unreadable" or "scene_inconclusive".
    """
    given = case.evidence.references[:MOST]
    if not given:
        return abstain("no_references")
    if case.picture is None:
        return abstain("no_picture")
    seen = [one for one in (_album.look_of(data, case) for data in given) if one is not None]
    if not seen:
        return abstain("references_unreadable")
    engine = case.tools.engine
    own = case.tools.memory.look_of(case.evidence.capture) or look(case.picture.rgb, engine)
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
