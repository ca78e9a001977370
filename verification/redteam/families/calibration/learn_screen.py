"""A screen to learn from: large pixels."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import composited, fitted, on_screen
from verification.redteam.workshop import Sample, Workshop


@family("learn_screen", stratum="sighted", fraud="staged", split="calibration", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    shown = composited(workshop, workshop.base.rgb) if workshop.tier else fitted(workshop.base.rgb)

    source = on_screen(workshop, shown, (2.8, 4.0))
    return workshop.sample(workshop.evidence(workshop.shoot(source, code="")))
