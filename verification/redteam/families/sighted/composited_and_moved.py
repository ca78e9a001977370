"""The best a flat still can do: sheet composited with care, burst and gyro rendered to match each other."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import composited, moved
from verification.redteam.workshop import Sample, Workshop


@family("composited_and_moved", stratum="sighted", fraud="staged", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    found = composited(workshop, workshop.base.rgb)
    return workshop.sample(workshop.evidence(moved(workshop, found, workshop.move())))
