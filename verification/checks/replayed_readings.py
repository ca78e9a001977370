"""replayed_readings: the readings were not handed in before, under any key, account or bounty.

Stops: one series sold several times: by a second enrolled key, a second account, to a second buyer.
How: the marks of the series (`verification.series`) are looked up among those of all earlier captures.
Half of them in one earlier series, with several different values among them, is proof: two instruments
do not agree to the microsecond and the last digit. With few different values (a dead calm, a coarse
scale read on the minute) two honest instruments may agree, so that only counts against.
Limits: exact numbers are compared. A replay with a little noise in time or value passes; comparing with
history and with neighbours needs a model of the quantity, and is not written.
Source: TRUTH 2f; Broder, On the resemblance and containment of documents (1997).
"""

from __future__ import annotations

from verification import series
from verification.case import Case
from verification.evidence import Family, Outcome, abstain, hard_fail, ok
from verification.registry import check

SAME = 0.5  # share of marks
ENOUGH = 5  # marks; fewer prove nothing
TELLING = 4  # different values among the shared readings
ALIKE = -2.5


@check("replayed_readings", family=Family.STREAM, version="1", cost=1, kinds={"stream"}, bounds=(ALIKE, 0.0))
def replayed_readings(case: Case) -> Outcome:
    """OK "readings_new" or "alike_but_flat"; hard-fails "readings_handed_in_before"; abstains "too_few"."""
    own = series.marks(case.evidence.parts)
    if len(own) < ENOUGH:
        return abstain("too_few")
    shared = case.tools.memory.shared_marks(list(own), case.evidence.order)
    share = len(shared) / len(own)
    if share < SAME:
        return ok(0.0, "readings_new", share=round(share, 2))
    if len({own[mark] for mark in shared}) < TELLING:
        return ok(ALIKE, "alike_but_flat", share=round(share, 2))
    return hard_fail("readings_handed_in_before", share=round(share, 2))
