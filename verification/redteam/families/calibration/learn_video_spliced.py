"""A second and more of another scene in the midst of a take; the take's motion goes with it."""

from __future__ import annotations

from verification.redteam.films import FPS, filmed, handed_in, recorded
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop

_SECONDS = 5.0


@family("learn_video_spliced", stratum="sighted", fraud="altered", split="calibration", tiers=(0,))
def _make(workshop: Workshop) -> Sample:
    take, other = (filmed(workshop, scene, _SECONDS) for scene in (workshop.base, workshop.other()))
    begin = int(workshop.rng.integers(10, 25))
    end = begin + round(float(workshop.rng.uniform(1.0, 2.0)) * FPS)
    frames = (*take.frames[:begin], *other.frames[begin:end], *take.frames[end:])
    return workshop.sample(handed_in(workshop, recorded(workshop, frames), take.motion))
