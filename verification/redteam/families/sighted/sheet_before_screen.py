"""A real sheet with the code, held before a screen that shows the place; phone and hand are true."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import fitted, on_screen
from verification.redteam.workshop import Sample, Workshop


@family("sheet_before_screen", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    source = on_screen(workshop, fitted(workshop.base.rgb), (1.2, 2.6))
    return workshop.sample(workshop.evidence(workshop.shoot(source)))
