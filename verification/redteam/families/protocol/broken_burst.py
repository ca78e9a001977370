"""The burst holds frames of two sizes: two clips joined, as no camera gives them."""

from __future__ import annotations

import cv2
import numpy as np

from market.simulator.sensor import encode
from verification.evidence import Burst
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("broken_burst", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    rgb = workshop.still().rgb
    sizes = ((320, 240), (640, 480))
    frames = [encode(np.asarray(cv2.resize(rgb, size), np.uint8)) for size in sizes]
    burst = Burst(tuple(frames * 3))
    return workshop.sample(workshop.evidence(workshop.still(), burst=burst))
