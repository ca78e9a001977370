"""The code on a strip along the top of a print, as near as it: what is below the writing counts as hand.

The print hangs at a window or on a stand, half a metre away; a true room is around it.
"""

from __future__ import annotations

from verification.redteam.parts import before_room, in_ink, sheet_on
from verification.redteam.registry import family
from verification.redteam.staging import fitted
from verification.redteam.workshop import Sample, Workshop


@family("print_on_sheet", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    away = float(workshop.rng.uniform(0.44, 0.5))
    box = (0.19, 0.1, 0.81, 0.86)
    flat = before_room(workshop, in_ink(workshop, fitted(workshop.base.rgb), 0.62), box, away + 0.004)
    sheet = sheet_on(workshop, away, 0.52, (0.5, 0.27))
    shot = workshop.camera.film(flat, workshop.move(), workshop.rng, sheet)
    return workshop.sample(workshop.evidence(shot))
