"""A paid picture as its negative: no hash of brightness knows it."""

from __future__ import annotations

from PIL import ImageOps

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("negative", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    return resold(workshop, ImageOps.invert)
