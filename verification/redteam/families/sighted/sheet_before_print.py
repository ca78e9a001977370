"""A real sheet with the code, held before a poster of the place; phone and hand are true."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import fitted, in_print
from verification.redteam.workshop import Sample, Workshop


@family("sheet_before_print", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    source = in_print(workshop, fitted(workshop.base.rgb), (1.5, 3.0))
    return workshop.sample(workshop.evidence(workshop.shoot(source)))
