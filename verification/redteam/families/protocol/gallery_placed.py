"""A picture taken in time, elsewhere, with a forged position: its EXIF still says where that was."""

from __future__ import annotations

from core.geo import Spot
from verification.redteam.lens import finish
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("gallery_placed", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    away = float(workshop.rng.choice([-1, 1]) * workshop.rng.uniform(0.08, 8))
    spot = Spot(workshop.place.lat + away / 2, workshop.place.lon + away)
    old = workshop.photograph(workshop.other())
    media = finish(old, "native", workshop.camera, workshop.rng, workshop.issued_at, spot)
    return workshop.sample(workshop.evidence(media), note=f"{away:+.1f} degrees")
