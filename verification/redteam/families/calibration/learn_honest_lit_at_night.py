"""An honest capture to learn from: a room by lamplight, at night."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import lit_at_night
from verification.redteam.workshop import Sample, Workshop


@family("learn_honest_lit_at_night", stratum="honest", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    lit_at_night(workshop, (10.0, 15.0), 900)
    return workshop.sample(workshop.evidence(workshop.shoot()))
