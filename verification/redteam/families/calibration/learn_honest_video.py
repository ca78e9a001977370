"""An honest video of tier 0, five seconds."""

from __future__ import annotations

from verification.redteam.films import filmed, handed_in, recorded
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("learn_honest_video", stratum="honest", split="calibration", tiers=(0,))
def _make(workshop: Workshop) -> Sample:
    roll = filmed(workshop, seconds=5.0)
    return workshop.sample(handed_in(workshop, recorded(workshop, roll.frames), roll.motion))
