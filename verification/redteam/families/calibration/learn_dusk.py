"""An hour to learn from: a capture taken by day and handed in as of the hours before dawn."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import day_as_night
from verification.redteam.workshop import Sample, Workshop


@family("learn_dusk", stratum="sighted", fraud="misplaced", split="calibration", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    where = day_as_night(workshop, (14.6, 16.0))
    return workshop.sample(workshop.evidence(workshop.shoot()), note=where)
