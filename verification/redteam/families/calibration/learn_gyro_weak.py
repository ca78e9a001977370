"""Sensors to learn from: those of the clip at a fifth of their strength, with noise."""

from __future__ import annotations

from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("learn_gyro_weak", stratum="sighted", fraud="staged", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    shot = workshop.shoot()
    motion = shot.motion or workshop.move()
    gyro = 0.2 * motion.gyro + workshop.rng.normal(0, 0.05, motion.gyro.shape)
    return workshop.sample(workshop.evidence(replace(shot, motion=replace(motion, gyro=gyro))))
