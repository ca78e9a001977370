"""A screen to learn from: a little out of focus."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import composited, defocused, fitted, on_screen
from verification.redteam.workshop import Sample, Workshop


@family("learn_screen_soft", stratum="sighted", fraud="staged", split="calibration", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    shown = composited(workshop, workshop.base.rgb) if workshop.tier else fitted(workshop.base.rgb)

    defocused(workshop, 0.9, 1.4)
    source = on_screen(workshop, shown, (2.8, 4.0))
    return workshop.sample(workshop.evidence(workshop.shoot(source, code="")))
