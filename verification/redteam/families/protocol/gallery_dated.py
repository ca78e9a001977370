"""A picture from the gallery, its EXIF untouched: it says the day on which it was taken."""

from __future__ import annotations

from datetime import timedelta

from verification.redteam.lens import finish
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("gallery_dated", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    days = float(workshop.rng.uniform(2.5, 1500))
    old, taken = workshop.photograph(workshop.other()), workshop.issued_at - timedelta(days=days)
    media = finish(old, "native", workshop.camera, workshop.rng, taken, workshop.place)
    return workshop.sample(workshop.evidence(media), note=f"{days:.0f} days")
