"""A picture, code and all, printed and filmed by a true phone."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import composited, fitted, in_print
from verification.redteam.workshop import Sample, Workshop


@family("print", stratum="sighted", fraud="staged", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    shown = composited(workshop, workshop.base.rgb) if workshop.tier else fitted(workshop.base.rgb)

    source = in_print(workshop, shown, (1.5, 3.0))
    return workshop.sample(workshop.evidence(workshop.shoot(source, code="")))
