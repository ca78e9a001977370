"""A copy to learn from: 13 to 18 % of each side cut away."""

from __future__ import annotations

from verification.redteam.copying import cropped, resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("learn_copy_part", stratum="reuse", split="calibration")
def _make(workshop: Workshop) -> Sample:
    share = float(workshop.rng.uniform(0.13, 0.18))
    return resold(workshop, lambda image: cropped(image, share, workshop.rng), f"{share:.0%}")
