"""A living room's television two metres away, which fills the view by the camera's zoom; a true card.

By a lens of the usual length a screen would have to be 2.5 metres wide to be so far away.
"""

from __future__ import annotations

from verification.redteam.parts import on_small_sheet, television, zoomed
from verification.redteam.registry import family
from verification.redteam.staging import fitted
from verification.redteam.workshop import Sample, Workshop


@family("screen_zoomed", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    zoom, away = float(workshop.rng.uniform(1.5, 1.7)), float(workshop.rng.uniform(2.0, 2.3))
    zoomed(workshop, zoom)
    source = television(workshop, fitted(workshop.base.rgb), away)
    return workshop.sample(workshop.evidence(on_small_sheet(workshop, source)), note=f"zoom {zoom:.1f}")
