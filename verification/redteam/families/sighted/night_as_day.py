"""A capture taken by day, in the open or in a room, and handed in as of night: all is right but the hour."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import day_as_night
from verification.redteam.workshop import Sample, Workshop


@family("night_as_day", stratum="sighted", fraud="misplaced", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    where = day_as_night(workshop, (9.5, 14.5))
    return workshop.sample(workshop.evidence(workshop.shoot()), note=where)
