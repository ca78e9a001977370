"""A clip that is right in every pixel, with its own sensors 0.2 to 0.8 s late."""

from __future__ import annotations

from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.staging import felt_later
from verification.redteam.workshop import Sample, Workshop


@family("gyro_shifted", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    motion, late = workshop.move(), float(workshop.rng.uniform(0.2, 0.8))
    evidence = workshop.evidence(replace(workshop.shoot(motion=motion), motion=felt_later(motion, late)))
    return workshop.sample(evidence, note=f"{late:.2f} s")
