"""Sensors to learn from: those of the clip 0.9 to 1.3 s late."""

from __future__ import annotations

from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.staging import felt_later
from verification.redteam.workshop import Sample, Workshop


@family("learn_gyro_early", stratum="sighted", fraud="staged", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    shot, late = workshop.shoot(), float(workshop.rng.uniform(0.9, 1.3))
    motion = shot.motion or workshop.move()
    return workshop.sample(
        workshop.evidence(replace(shot, motion=felt_later(motion, late))), note=f"{late:.2f} s"
    )
