"""A paid picture turned by 1 to 5 degrees and cut to a full frame."""

from __future__ import annotations

from PIL import Image

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


def _turn(image: Image.Image, angle: float, inside: float) -> Image.Image:
    turned = image.rotate(angle, Image.Resampling.BICUBIC)
    dx, dy = round(image.width * inside), round(image.height * inside)
    return turned.crop((dx, dy, image.width - dx, image.height - dy))


@family("rotated", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    angle = float(workshop.rng.choice([-1, 1]) * workshop.rng.uniform(1, 5))
    inside = 0.04 + abs(angle) * 0.012
    return resold(workshop, lambda image: _turn(image, angle, inside), f"{angle:.1f} deg")
