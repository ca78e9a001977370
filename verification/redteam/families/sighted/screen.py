"""A picture, code and all, on a screen, filmed by a true phone near enough to see the screen's grid."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import composited, fitted, on_screen
from verification.redteam.workshop import Sample, Workshop


@family("screen", stratum="sighted", fraud="staged", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    shown = composited(workshop, workshop.base.rgb) if workshop.tier else fitted(workshop.base.rgb)

    source = on_screen(workshop, shown, (1.2, 2.6))
    return workshop.sample(workshop.evidence(workshop.shoot(source, code="")))
