"""A copy to learn from: grey or sepia."""

from __future__ import annotations

from PIL import ImageOps

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("learn_copy_sepia", stratum="reuse", split="calibration")
def _make(workshop: Workshop) -> Sample:
    return resold(
        workshop, lambda image: ImageOps.colorize(ImageOps.grayscale(image), (20, 10, 0), (255, 240, 215))
    )
