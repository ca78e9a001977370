"""A copy to learn from: 35 to 42 % of each side cut away, a third of the picture left."""

from __future__ import annotations

from verification.redteam.copying import cropped, resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("learn_copy_deep", stratum="reuse", split="calibration")
def _make(workshop: Workshop) -> Sample:
    share = float(workshop.rng.uniform(0.35, 0.42))
    return resold(workshop, lambda image: cropped(image, share, workshop.rng), f"{share:.0%}")
