"""A paid picture turned by 90, 180 or 270 degrees."""

from __future__ import annotations

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("quarter_turned", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    turns = int(workshop.rng.integers(1, 4))
    return resold(workshop, lambda image: image.rotate(90 * turns, expand=True), f"{90 * turns} deg")
