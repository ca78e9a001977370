"""A paid picture at 30 to 80 % of its size, or enlarged by up to a half."""

from __future__ import annotations

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("resized", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    scale = float(workshop.rng.choice([workshop.rng.uniform(0.3, 0.8), workshop.rng.uniform(1.1, 1.5)]))
    return resold(
        workshop,
        lambda image: image.resize((round(image.width * scale), round(image.height * scale))),
        f"{scale:.2f}",
    )
