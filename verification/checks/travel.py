"""travel: the account could have come here since its last capture.

Stops: forged positions that jump about, and one account worked by people in several places.
How: great-circle distance from the account's previous spot over the server time between the two,
less the accuracy either could be off by. Over 340 m/s (faster than any airliner over ground) is
impossible; over 70 m/s needs an aeroplane and scores against.
Limits: two accounts defeat it; labs with several instruments are not looked at (photos only).
Source: TRUTH 2c; the competitor's 50 m/s limit (execution-market) would fail honest rail passengers.
"""

from __future__ import annotations

from core.geo import distance_m
from verification.case import Case
from verification.evidence import Family, Outcome, abstain, hard_fail, ok
from verification.registry import check
from verification.statement import moment_of, spot_of

SLACK_M = 1_000.0
IMPOSSIBLE_M_S = 340.0
BY_AIR_M_S = 70.0


@check("travel", family=Family.PLACE, version="2", cost=0, kinds={"photo", "video"}, bounds=(-2.0, 0.0))
def travel(case: Case) -> Outcome:
    """OK "very_fast_travel", evidence against it; hard-fails "impossible_travel".

    Abstains "no_position" (or no time), "no_account", "first_capture" or "plausible_travel".
    """
    session = case.evidence.session
    here, now = spot_of(case.statement), session.committed_at
    if session.outside:
        now = now or moment_of(case.statement)
    if here is None or now is None:
        return abstain("no_position")
    if not session.account:
        return abstain("no_account")
    last = case.tools.memory.last_spot(session.account, case.evidence.order)
    if last is None:
        return abstain("first_capture")
    metres = max(0.0, distance_m(last.spot, here) - SLACK_M)
    seconds = max(1.0, abs((now - last.at).total_seconds()))
    speed = metres / seconds
    if speed > IMPOSSIBLE_M_S:
        return hard_fail("impossible_travel", km=round(metres / 1000), speed_m_s=round(speed))
    if speed > BY_AIR_M_S:
        return ok(-2.0, "very_fast_travel", km=round(metres / 1000), speed_m_s=round(speed))
    return abstain("plausible_travel", speed_m_s=round(speed))  # that alone does not place it in the area
