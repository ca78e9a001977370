"""An honest capture of a place that somebody else photographed before from another spot."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import fitted
from verification.redteam.workshop import Sample, Workshop


@family("learn_honest_second_view", stratum="honest", split="calibration", tiers=(1,), needs=("places",))
def _make(workshop: Workshop) -> Sample:
    before = workshop.jpeg(fitted(workshop.another_view().rgb))
    return workshop.sample(workshop.evidence(workshop.shoot()), [workshop.earlier(before)])
