"""A copy to learn from: squeezed to 80 to 92 % in one direction."""

from __future__ import annotations

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("learn_copy_stretched", stratum="reuse", split="calibration")
def _make(workshop: Workshop) -> Sample:
    share = float(workshop.rng.uniform(0.8, 0.92))
    return resold(
        workshop, lambda image: image.resize((round(image.width * share), image.height)), f"{share:.2f}"
    )
