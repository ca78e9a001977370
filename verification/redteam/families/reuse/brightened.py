"""A paid picture made 25 to 50 % brighter or darker, with another contrast."""

from __future__ import annotations

from PIL import ImageEnhance

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("brightened", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    factor = float(workshop.rng.choice([workshop.rng.uniform(0.5, 0.75), workshop.rng.uniform(1.25, 1.5)]))
    contrast = float(workshop.rng.uniform(0.75, 1.3))
    return resold(
        workshop,
        lambda image: ImageEnhance.Contrast(ImageEnhance.Brightness(image).enhance(factor)).enhance(contrast),
        f"x{factor:.2f} contrast {contrast:.2f}",
    )
