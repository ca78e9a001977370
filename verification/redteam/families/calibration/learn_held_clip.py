"""A clip to learn from: depth, sheet and sensors are true, but the phone is held still and not turned."""

from __future__ import annotations

from market.simulator.motion import hold
from verification.redteam.lens import FPS, FRAMES
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("learn_held_clip", stratum="sighted", fraud="staged", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    held = hold(FRAMES, FPS, workshop.rng)
    return workshop.sample(workshop.evidence(workshop.shoot(motion=held)))
