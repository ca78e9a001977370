"""An honest capture at night of a room lit by lamps: bright and clean, with no sun to have lit it."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import lit_at_night
from verification.redteam.workshop import Sample, Workshop


@family("honest_lit_at_night", stratum="honest", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    lit_at_night(workshop, (9.5, 16.0), 1200)
    return workshop.sample(workshop.evidence(workshop.shoot()))
