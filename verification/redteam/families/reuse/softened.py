"""A paid picture blurred, with grain put over it."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


def _soft(image: Image.Image, sigma: float, grain: float, rng: np.random.Generator) -> Image.Image:
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(sigma)), np.float64)
    return Image.fromarray(np.clip(soft + rng.normal(0, grain, soft.shape), 0, 255).astype(np.uint8))


@family("softened", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    sigma = float(workshop.rng.uniform(0.8, 2.0))
    grain = float(workshop.rng.uniform(3, 10))
    return resold(
        workshop,
        lambda image: _soft(image, sigma, grain, workshop.rng),
        f"blur {sigma:.1f} grain {grain:.0f}",
    )
