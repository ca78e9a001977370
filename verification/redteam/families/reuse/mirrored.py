"""A paid picture mirrored left to right."""

from __future__ import annotations

from PIL import ImageOps

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("mirrored", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    return resold(workshop, ImageOps.mirror)
