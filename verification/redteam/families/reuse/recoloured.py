"""A paid picture with other colours: hue, saturation and white balance."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


def _tinted(
    image: Image.Image, tint: np.ndarray[tuple[int, ...], np.dtype[np.float64]], saturation: float
) -> Image.Image:
    mixed = np.clip(np.asarray(image, np.float64) * tint, 0, 255).astype(np.uint8)
    return ImageEnhance.Color(Image.fromarray(mixed)).enhance(saturation)


@family("recoloured", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    tint = workshop.rng.uniform(0.75, 1.2, 3)
    saturation = float(workshop.rng.uniform(0.3, 1.6))
    return resold(workshop, lambda image: _tinted(image, tint, saturation), f"saturation {saturation:.2f}")
