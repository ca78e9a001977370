"""A clip that is right in every pixel, with its own sensors 0.2 to 0.8 s late."""

from __future__ import annotations

from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.staging import felt_later
from verification.redteam.workshop import Sample, Workshop


@family("gyro_shifted", stratum="sighted", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    shot, late = workshop.shoot(), float(workshop.rng.uniform(0.2, 0.8))
    evidence = workshop.evidence(replace(shot, motion=felt_later(shot.motion, late)))
    return workshop.sample(evidence, note=f"{late:.2f} s")
