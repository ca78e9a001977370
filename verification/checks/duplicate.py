"""duplicate: this picture, or one cut from it or beside it from the same original, was submitted before.

Stops: the same file again, re-encoded, scaled, cropped, turned, mirrored, brightened, framed.
How: the same bytes; else the nearest earlier pictures by perceptual hash over crops, small turns and
mirrorings, and the latest of the same bounty or neighbourhood whatever their hash; each candidate is
registered by local features and proven pixel by pixel (`verification.registration`), so that two honest
photographs of one place are not called copies. Only earlier orders are looked at.
Limits: beyond a 25 % crop only the same bounty or neighbourhood is searched; a mirrored *and* hard-cropped
copy is missed; distant scenes photographed twice from one spot end as "maybe", for a person to look at.
Figures: bench/duplicates.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from verification import pdq
from verification.case import Case
from verification.evidence import Family, Neighbour, Outcome, abstain, ok
from verification.registration import Comparison, Look, Pixels, compare, look
from verification.registry import check
from verification.statement import spot_of

BY_HASH = 8  # candidates
BY_PLACE = 12
TURNS = 2  # mirrored, turned or negative views of this picture looked at; each costs a pass of the net


@check("duplicate", family=Family.DUPLICATE, version="2", cost=2, kinds={"photo"}, bounds=(-8.0, 0.3))
def duplicate(case: Case) -> Outcome:
    """OK "same_bytes", "copy_of_earlier", "maybe_same_exposure" or "no_copy_found".

    The first two fill `case.neighbours`.
    """
    evidence, memory = case.evidence, case.tools.memory
    same = memory.same_bytes(evidence.media_sha256, evidence.order)
    case.neighbours += [Neighbour(past.capture, "bytes", 1.0) for past in same]
    if case.picture is None:
        return ok(-8.0, "same_bytes", copies=len(same)) if same else abstain("no_picture")
    compared, maybe, closest = 0, 0, Comparison()
    known = {past.capture for past in same}
    for capture, found in _comparisons(case, case.picture.rgb, known):
        compared += 1
        if found.copy:
            case.neighbours.append(Neighbour(capture, "geometry", round(found.share, 4)))
        if found.same_exposure:
            maybe += 1
            closest = max(closest, found, key=lambda item: (item.copy, item.share))
    if same:
        return ok(-8.0, "same_bytes", copies=len(case.neighbours))
    facts = _facts(closest) | {"compared": compared}
    if case.neighbours:
        return ok(-8.0, "copy_of_earlier", copies=len(case.neighbours), **facts)
    if maybe:
        return ok(-2.0, "maybe_same_exposure", alike=maybe, **facts)
    return ok(0.3, "no_copy_found", compared=compared)


def _comparisons(case: Case, rgb: Pixels, known: set[str]) -> Iterator[tuple[str, Comparison]]:
    """Each candidate's best comparison; `known` ones are left out."""
    evidence, memory = case.evidence, case.tools.memory
    ways: dict[str, set[int]] = {}
    turns = {0}
    for past in memory.nearest(pdq.query_views(rgb), evidence.order, BY_HASH):  # closest first
        if past.way in turns or len(turns) <= TURNS:
            turns.add(past.way)
            ways.setdefault(past.capture, set()).add(past.way)
    for past in memory.around(evidence.terms.bounty, spot_of(case.statement), evidence.order, BY_PLACE):
        ways.setdefault(past.capture, set()).add(0)
    looks: dict[int, Look] = {}
    for capture, turned in ways.items():
        earlier = memory.look_of(capture)
        if earlier is None or capture in known:
            continue
        for way in turned - looks.keys():
            own = memory.look_of(evidence.capture) if way == 0 else None
            looks[way] = own or look(rgb, case.tools.engine, way)
        found = [compare(looks[way], earlier, case.tools.engine) for way in sorted(turned)]
        yield capture, max(found, key=lambda item: (item.copy, item.share))


def _facts(found: Comparison) -> dict[str, float]:
    """Small numbers that show why; nothing in them names the other capture."""
    return {
        "inliers": found.inliers,
        "share_alike": round(found.share, 3),
        "beyond": round(found.beyond, 3),
        "bend_px": round(found.bend_px, 2),
        "zoom": round(found.zoom, 2),
    }
