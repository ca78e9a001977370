"""An honest photo and burst of tier 1: sheet with the code, the turns asked, depth, true sensors."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("honest_t1", stratum="honest", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    unrelated = workshop.jpeg(workshop.photograph(workshop.other()))
    return workshop.sample(workshop.evidence(workshop.shoot()), [workshop.earlier(unrelated)])
