"""A print in a true room, a true sheet before it, and the photo of a moment at which the step is made.

From then on nothing is shifted, neither the print nor the room.
"""

from __future__ import annotations

from verification.redteam.parts import before_room, in_ink, last_of, middle
from verification.redteam.registry import family
from verification.redteam.staging import fitted
from verification.redteam.workshop import Sample, Workshop


@family("print_in_room_at_last", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    fill, away = float(workshop.rng.uniform(0.6, 0.75)), float(workshop.rng.uniform(0.75, 0.95))
    flat = before_room(workshop, in_ink(workshop, fitted(workshop.base.rgb), fill), middle(fill), away)
    return workshop.sample(
        workshop.evidence(last_of(workshop, flat, int(workshop.rng.integers(4)))),
        note=f"{fill:.0%} of the width",
    )
