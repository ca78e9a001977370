"""A part of a paid picture: half of each side cut away, beyond what the duplicate check promises."""

from __future__ import annotations

from verification.redteam.copying import cropped, resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("cropped_half", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    return resold(workshop, lambda image: cropped(image, 0.5, workshop.rng))
