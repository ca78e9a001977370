"""A clip that is right in every pixel, with sensors that felt nothing."""

from __future__ import annotations

from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.staging import felt_still
from verification.redteam.workshop import Sample, Workshop


@family("gyro_zero", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    motion = workshop.move()
    shot = workshop.shoot(motion=motion)
    return workshop.sample(workshop.evidence(replace(shot, motion=felt_still(motion))))
