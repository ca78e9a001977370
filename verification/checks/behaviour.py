"""behaviour: how this account's earlier captures ended.

Stops: nothing alone; an account whose captures keep being refused pays for it, and one with a long clean
record is believed a little sooner.
How: an account's share of good captures is taken as Beta distributed, with the base rate as its mean and
the weight of PRIOR captures. After k accepted and r rejected ones its mean is (base * PRIOR + k) /
(PRIOR + k + r); the check says by how much its log-odds differ from those of the base rate. Accepted
captures count at most PER_DAY a day of the account's age, so that a record cannot be made in an evening.
Limits: a record is cheap to build with small honest captures and may be sold, so it speaks little in
favour; a fresh account leaves a bad one behind, so having none says nothing. Which captures are alike in
account, device or money is not looked at here (see `verification.agreement` for answers).
Source: the Beta-binomial reputation of Josang and Ismail, "The Beta Reputation System" (2002).
"""

from __future__ import annotations

import math

from verification.case import Case
from verification.evidence import Family, Outcome, Standing, abstain, ok
from verification.registry import check

BASE = 0.6  # share of good captures of an account that is not known yet, set by hand
PRIOR = 4.0  # captures that the base rate is worth
PER_DAY = 3.0
FAVOUR = 0.5  # nats: the most a record says for a capture
AGAINST = -1.5


@check(
    "behaviour",
    family=Family.BEHAVIOUR,
    version="1",
    cost=0,
    kinds={"photo", "stream", "video"},
    bounds=(-1.5, 0.5),
)
def behaviour(case: Case) -> Outcome:
    """OK "record_for" or "record_against"; abstains "unknown_account" or "new_account"."""
    standing = case.evidence.standing
    if standing is None:
        return abstain("unknown_account")
    if standing.accepted + standing.rejected == 0:
        return abstain("new_account", age_days=round(standing.age_days, 1))
    llr = record(standing)
    reason = "record_for" if llr >= 0 else "record_against"
    return ok(llr, reason, accepted=standing.accepted, rejected=standing.rejected)


def record(standing: Standing) -> float:
    """Nats by which the posterior mean's log-odds differ from the base rate's, within the bounds."""
    accepted = min(float(standing.accepted), PER_DAY * max(0.0, standing.age_days))
    good, bad = BASE * PRIOR + accepted, (1 - BASE) * PRIOR + standing.rejected
    return min(max(math.log(good / bad) - math.log(BASE / (1 - BASE)), AGAINST), FAVOUR)
