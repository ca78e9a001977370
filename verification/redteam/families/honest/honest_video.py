"""An honest video of tier 0, six seconds; another account's video of another scene came before."""

from __future__ import annotations

from verification.redteam.films import filmed, handed_in, recorded
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("honest_video", stratum="honest", tiers=(0,))
def _make(workshop: Workshop) -> Sample:
    roll = filmed(workshop)
    other = recorded(workshop, filmed(workshop, workshop.other()).frames)
    evidence = handed_in(workshop, recorded(workshop, roll.frames), roll.motion)
    return workshop.sample(evidence, [workshop.earlier(other)])
