"""handed_back: this picture is none of those that the asker gave along.

Stops: the asker's own photograph of the place, or of the thing, handed in as a fresh look at it.
How: the same bytes as a reference or an example; else laid on each of them as on earlier captures
(`matching.registration`, `matching.same_exposure`): what is proven one exposure is a hard fail, what lies on
one of them without proof goes to a person.
Limits: as `duplicate`'s. A second picture by the camera that took the reference, standing where it stood, is
a person's case at tier 0.
"""

from __future__ import annotations

from verification.case import Case
from verification.checks.duplicate import BURST_TIER
from verification.evidence import Family, Outcome, abstain, hard_fail, ok
from verification.matching.registration import compare
from verification.matching.residue import fine
from verification.matching.same_exposure import grained
from verification.measures.album import looks_of, own_look
from verification.registry import check


@check(
    "handed_back", family=Family.DUPLICATE, version="4", cost=2, kinds={"photo", "video"}, bounds=(-2.0, 0.0)
)
def handed_back(case: Case) -> Outcome:
    """Hard-fails "handed_back"; OK "maybe_handed_back", evidence against it; abstains "no_likeness_asked",
    "no_picture" or "not_handed_back": that alone never stands for having sought copies."""
    given = (*case.evidence.references, *case.evidence.examples)
    if not given:
        return abstain("no_likeness_asked")
    if case.evidence.media in given:
        return hard_fail("handed_back", same_bytes=True)
    if case.picture is None:
        return abstain("no_picture")
    own, noise = own_look(case), fine(case.picture.rgb)
    doubtful = 0
    for seen in looks_of(given, case):
        found = compare(own, seen, case.tools.engine)
        if not found.matrix:
            continue
        found = grained(found, noise, 0, own, seen)
        if found.copy:
            return hard_fail("handed_back", same_bytes=False)
        doubtful += found.doubtful and not (found.apart and case.evidence.terms.tier >= BURST_TIER)
    if doubtful:
        return ok(-2.0, "maybe_handed_back", alike=doubtful)
    return abstain("not_handed_back", compared=len(given))
