"""A print in a true room, the burst of both, and of the photo only the print is handed in.

Whoever asked sees no room; the burst, whose depth is true, is mostly room.
"""

from __future__ import annotations

from verification.redteam.parts import before_room, cut_to, in_ink, middle
from verification.redteam.registry import family
from verification.redteam.staging import fitted
from verification.redteam.workshop import Sample, Workshop


@family("print_cut_out", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    fill, away = float(workshop.rng.uniform(0.6, 0.75)), float(workshop.rng.uniform(0.75, 0.95))
    flat = before_room(workshop, in_ink(workshop, fitted(workshop.base.rgb), fill), middle(fill), away)
    return workshop.sample(workshop.evidence(cut_to(workshop, flat)), note=f"{fill:.0%} of the width")
