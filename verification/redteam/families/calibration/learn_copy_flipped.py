"""A copy to learn from: upside down, mirrored."""

from __future__ import annotations

from PIL import ImageOps

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("learn_copy_flipped", stratum="reuse", split="calibration")
def _make(workshop: Workshop) -> Sample:
    return resold(workshop, ImageOps.flip)
