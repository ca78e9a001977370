"""A generated still with a sheet composited in, burst and gyro rendered to match."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import composited, moved
from verification.redteam.workshop import Sample, Workshop


@family("ai_still_moved", stratum="sighted", fraud="staged", tiers=(1, 0), needs=("ai",))
def _make(workshop: Workshop) -> Sample:
    made = composited(workshop, workshop.made().rgb)
    return workshop.sample(workshop.evidence(moved(workshop, made, workshop.move())))
