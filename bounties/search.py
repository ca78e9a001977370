"""Finding bounties near a contributor: by cell to be quick, by distance to be right."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bounties.rules import BountyState, SlotState
from bounties.tables import Bounty, Slot
from core.geo import Spot, area_from_geojson, cells_within
from core.money import Money

MAX_FOUND = 100
MAX_OF_ONE_ACCOUNT = 20
WORTH_A_WALK = Money(10_000)  # one cent
_FURTHEST_AREA_M = 50_000  # an area's centre may lie this far beyond the place it reaches


def near(session: Session, spot: Spot, radius_m: float, *, now: datetime) -> list[tuple[Bounty, float]]:
    """Open bounties with an open slot whose area lies within `radius_m` of a spot, nearest first.

    Those worth less than a cent come last, and one account shows at most MAX_OF_ONE_ACCOUNT of its own:
    a hundred worthless bounties, cheap to post, must not hide everybody else's.

    Returns:
        Bounties with the distance in metres from the spot to the area's edge (0 inside), at most 100.
    """
    cells = cells_within(spot, radius_m + _FURTHEST_AREA_M)
    has_slot = select(Slot.id).where(Slot.bounty == Bounty.id, Slot.status == SlotState.OPEN.value).exists()
    found = select(Bounty).where(
        Bounty.status == BountyState.OPEN.value,
        Bounty.cell.in_(cells),
        Bounty.opens_at <= now,
        Bounty.closes_at > now,
        has_slot,
    )
    measured = [
        (bounty, area_from_geojson(bounty.terms["area"]).distance_m(spot))
        for bounty in session.scalars(found)
    ]
    within = sorted(
        (pair for pair in measured if pair[1] <= radius_m),
        key=lambda pair: (pair[0].reward < WORTH_A_WALK.micros, pair[1], -pair[0].reward, pair[0].id),
    )
    shown: Counter[str] = Counter()
    found_near = []
    for bounty, distance in within:
        shown[bounty.account] += 1
        if shown[bounty.account] <= MAX_OF_ONE_ACCOUNT:
            found_near.append((bounty, distance))
    return found_near[:MAX_FOUND]
