"""A paid picture whose bright half is inverted, beyond what the duplicate check promises."""

from __future__ import annotations

from PIL import ImageOps

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("solarised", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    level = int(workshop.rng.integers(110, 150))
    return resold(workshop, lambda image: ImageOps.solarize(image, level), f"from {level}")
