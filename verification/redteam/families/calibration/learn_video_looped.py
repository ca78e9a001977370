"""A second and a half of video shown three times and more."""

from __future__ import annotations

from verification.redteam.films import FPS, filmed, handed_in, recorded
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop

_SECONDS = 5.0


@family("learn_video_looped", stratum="sighted", fraud="altered", split="calibration", tiers=(0,))
def _make(workshop: Workshop) -> Sample:
    take = filmed(workshop, seconds=float(workshop.rng.uniform(1.2, 1.7))).frames
    frames = tuple(take[k % len(take)] for k in range(round(_SECONDS * FPS)))
    return workshop.sample(handed_in(workshop, recorded(workshop, frames), None))
