"""Without the code in the scene: an old picture whose EXIF is forged to here and now."""

from __future__ import annotations

from verification.redteam.lens import finish
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("forged_exif", stratum="protocol", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    old = workshop.photograph(workshop.other())
    media = finish(old, "native", workshop.camera, workshop.rng, workshop.issued_at, workshop.place)
    return workshop.sample(workshop.evidence(media))
