"""A television nearly two and a half metres away, which fills the view by more of the camera's zoom."""

from __future__ import annotations

from verification.redteam.parts import on_small_sheet, television, zoomed
from verification.redteam.registry import family
from verification.redteam.staging import fitted
from verification.redteam.workshop import Sample, Workshop


@family("learn_screen_zoomed", stratum="sighted", fraud="staged", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    zoom, away = float(workshop.rng.uniform(1.75, 1.95)), float(workshop.rng.uniform(2.35, 2.6))
    zoomed(workshop, zoom)
    source = television(workshop, fitted(workshop.base.rgb), away)
    return workshop.sample(workshop.evidence(on_small_sheet(workshop, source)), note=f"zoom {zoom:.1f}")
