"""A paid picture sold again at tier 1: the sheet composited into it, burst and gyro rendered to match it."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from verification.redteam.registry import family
from verification.redteam.staging import composited, moved
from verification.redteam.workshop import Sample, Workshop


@family("set_in_motion", stratum="reuse", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    original = workshop.jpeg(workshop.still().rgb)
    found = composited(workshop, np.asarray(Image.open(io.BytesIO(original)).convert("RGB"), np.uint8))
    evidence = workshop.evidence(moved(workshop, found, workshop.move()))
    return workshop.sample(evidence, [workshop.earlier(original)])
