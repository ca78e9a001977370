"""A print that fills two thirds of the view's width in a true room, a true sheet before it.

The room is what the step shifts, and what most points are followed on.
"""

from __future__ import annotations

from verification.redteam.parts import before_room, in_ink, middle
from verification.redteam.registry import family
from verification.redteam.staging import fitted
from verification.redteam.workshop import Sample, Workshop


@family("print_in_room", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    fill, away = float(workshop.rng.uniform(0.6, 0.75)), float(workshop.rng.uniform(0.75, 0.95))
    flat = before_room(workshop, in_ink(workshop, fitted(workshop.base.rgb), fill), middle(fill), away)
    return workshop.sample(workshop.evidence(workshop.shoot(flat)), note=f"{fill:.0%} of the width")
