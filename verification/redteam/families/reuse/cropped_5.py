"""A part of a paid picture: 5 to 6 % of each side cut away."""

from __future__ import annotations

from verification.redteam.copying import cropped, resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("cropped_5", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    share = float(workshop.rng.uniform(0.045, 0.06))
    return resold(workshop, lambda image: cropped(image, share, workshop.rng), f"{share:.1%}")
