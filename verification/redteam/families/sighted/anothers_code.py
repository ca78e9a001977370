"""An honest capture of the right scene with the code of somebody else's claim on the sheet."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("anothers_code", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    return workshop.sample(workshop.evidence(workshop.shoot(code=workshop.new_code())))
