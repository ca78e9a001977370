"""A real sheet before a screen of large pixels, to learn from."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import fitted, on_screen
from verification.redteam.workshop import Sample, Workshop


@family("learn_sheet_before_screen", stratum="sighted", fraud="staged", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    source = on_screen(workshop, fitted(workshop.base.rgb), (2.8, 4.0))
    return workshop.sample(workshop.evidence(workshop.shoot(source)))
