"""A copy to learn from: each colour through a tone curve that rises and falls, as posters have it."""

from __future__ import annotations

import math

from PIL import Image

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


def _folded(image: Image.Image, turns: float, start: float) -> Image.Image:
    curve = [
        round(127.5 + 127.5 * math.sin(math.tau * (turns * value / 255 + start))) for value in range(256)
    ]
    return image.point(curve * 3)


@family("learn_copy_folded", stratum="reuse", split="calibration")
def _make(workshop: Workshop) -> Sample:
    turns, start = float(workshop.rng.uniform(0.6, 1.0)), float(workshop.rng.uniform(0, 1))
    return resold(workshop, lambda image: _folded(image, turns, start), f"{turns:.2f} turns from {start:.2f}")
