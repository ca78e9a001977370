"""Sensors to learn from: another's, who made the same turns smaller or larger and in another rhythm."""

from __future__ import annotations

from dataclasses import replace

from market.simulator.motion import pan
from verification.redteam.lens import FPS, FRAMES
from verification.redteam.registry import family
from verification.redteam.staging import felt_like
from verification.redteam.workshop import Sample, Workshop

_ANGLES = ((8.0, 11.0), (21.0, 26.0))  # degrees


@family("learn_gyro_other", stratum="sighted", fraud="staged", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    motion = workshop.move()
    degrees = _ANGLES[int(workshop.rng.integers(len(_ANGLES)))]
    shot, other = workshop.shoot(motion=motion), pan(workshop.pan, degrees=degrees)(FRAMES, FPS, workshop.rng)
    evidence = workshop.evidence(replace(shot, motion=felt_like(motion, other)))
    return workshop.sample(evidence, note=f"{degrees[0]:.0f} to {degrees[1]:.0f} degrees")
