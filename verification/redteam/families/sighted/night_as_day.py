"""A daylit capture handed in as of midnight: all is right but the hour."""

from __future__ import annotations

from datetime import timedelta

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("night_as_day", stratum="sighted", fraud="misplaced", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    workshop.issued_at = workshop.issued_at + timedelta(hours=11)
    return workshop.sample(workshop.evidence(workshop.shoot()))
