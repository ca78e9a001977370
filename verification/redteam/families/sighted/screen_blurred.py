"""A picture, code and all, on a fine screen filmed out of focus: no moire is left."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import composited, defocused, fitted, on_screen
from verification.redteam.workshop import Sample, Workshop


@family("screen_blurred", stratum="sighted", fraud="staged", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    shown = composited(workshop, workshop.base.rgb) if workshop.tier else fitted(workshop.base.rgb)

    defocused(workshop, 1.5, 2.6)
    source = on_screen(workshop, shown, (0.8, 1.1))
    return workshop.sample(workshop.evidence(workshop.shoot(source, code="")))
