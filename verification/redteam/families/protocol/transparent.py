"""A PNG whose transparent half shows one thing on white and another on black."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("transparent", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    rgb = workshop.still().rgb
    alpha = np.full((*rgb.shape[:2], 1), 255, np.uint8)
    alpha[:, : rgb.shape[1] // 2] = 90
    out = io.BytesIO()
    Image.fromarray(np.concatenate([rgb, alpha], axis=2), "RGBA").save(out, "PNG", compress_level=1)
    return workshop.sample(workshop.evidence(out.getvalue()))
