"""A paid picture bent as by another lens, and a little waved: a filter of any editor."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


def _bent(image: Image.Image, radial: float, wave: float) -> Image.Image:
    """`radial`: how far the corners move, a share of their distance; `wave`: pixels."""
    width, height = image.size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    u, v = (x / width - 0.5) * 2, (y / height - 0.5) * 2
    more = 1 + np.float32(radial / 2) * (u * u + v * v)
    across = (u * more / 2 + 0.5) * width + np.float32(wave) * np.sin(np.float32(np.pi) * v)
    down = (v * more / 2 + 0.5) * height + np.float32(wave) * np.sin(np.float32(np.pi) * u)
    rgb = np.asarray(image, np.uint8)
    return Image.fromarray(cv2.remap(rgb, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT))


@family("bent", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    radial = float(workshop.rng.choice([-1, 1]) * workshop.rng.uniform(0.01, 0.06))
    wave = float(workshop.rng.uniform(0, 5))
    return resold(workshop, lambda image: _bent(image, radial, wave), f"{radial:+.3f} {wave:.1f} px")
