"""An old picture of the scene made to look like another visit: warped, in another light, with new noise."""

from __future__ import annotations

import numpy as np
from PIL import Image

from verification.redteam.copying import resold, warped
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


def _revisited(image: Image.Image, gain: float, rng: np.random.Generator) -> Image.Image:
    w, h = image.size
    a, b, c, d = (float(x) for x in rng.uniform(0.02, 0.08, 4))
    moved = warped(
        image, [(a * w, b * h), ((1 - c) * w, b * h), ((1 - a) * w, (1 - d) * h), (c * w, (1 - d) * h)]
    )
    side = np.linspace(0.8, 1.2, w)[None, :, None] ** float(rng.choice([-1, 1]))
    lit = np.asarray(moved, np.float64) * gain * side * np.array([1.05, 1.0, 0.94])
    return Image.fromarray(np.clip(lit + rng.normal(0, 3, lit.shape), 0, 255).astype(np.uint8))


@family("old_photo", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    gain = float(workshop.rng.uniform(0.7, 1.3))
    return resold(workshop, lambda image: _revisited(image, gain, workshop.rng), f"x{gain:.2f}")
