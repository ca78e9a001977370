"""An honest photo of tier 0; another account's capture of another scene came before."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("learn_honest_t0", stratum="honest", split="calibration", tiers=(0,))
def _make(workshop: Workshop) -> Sample:
    unrelated = workshop.jpeg(workshop.photograph(workshop.other()))
    return workshop.sample(workshop.evidence(workshop.shoot()), [workshop.earlier(unrelated)])
