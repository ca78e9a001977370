"""A print that leaves a margin of a true room is let fall once the photo is taken.

The margin, which stays, ties the photo to the step.
"""

from __future__ import annotations

from verification.redteam.parts import before_room, in_ink, middle
from verification.redteam.registry import family
from verification.redteam.staging import fallen, fitted
from verification.redteam.workshop import Sample, Workshop


@family("print_in_room_let_fall", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    fill, away = float(workshop.rng.uniform(0.7, 0.8)), float(workshop.rng.uniform(0.6, 0.7))
    flat = before_room(workshop, in_ink(workshop, fitted(workshop.base.rgb), fill), middle(fill), away)
    shot = fallen(workshop, flat, flat.behind)
    return workshop.sample(workshop.evidence(shot), note=f"{fill:.0%} of the width")
