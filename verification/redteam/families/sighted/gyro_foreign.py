"""A clip that is right in every pixel, with the sensors of another time the same turns were made."""

from __future__ import annotations

from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.staging import felt_like
from verification.redteam.workshop import Sample, Workshop


@family("gyro_foreign", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    motion = workshop.move()
    shot, other = workshop.shoot(motion=motion), workshop.move()
    return workshop.sample(workshop.evidence(replace(shot, motion=felt_like(motion, other))))
