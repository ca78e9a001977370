"""Sensors to learn from: those of the clip, backwards in time."""

from __future__ import annotations

from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("learn_gyro_reversed", stratum="sighted", fraud="staged", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    shot = workshop.shoot()
    motion = shot.motion or workshop.move()
    return workshop.sample(
        workshop.evidence(replace(shot, motion=replace(motion, gyro=motion.gyro[::-1].copy())))
    )
