"""A paid picture cropped, turned, mirrored, recompressed and brightened at once, each a little."""

from __future__ import annotations

from PIL import Image, ImageEnhance, ImageOps

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


def _edited(image: Image.Image, share: float, angle: float, factor: float) -> Image.Image:
    turned = ImageOps.mirror(image).rotate(angle, Image.Resampling.BICUBIC)
    dx, dy = round(image.width * (share / 2 + 0.03)), round(image.height * (share / 2 + 0.03))
    part = turned.crop((dx, dy, image.width - dx, image.height - dy))
    return ImageEnhance.Brightness(part).enhance(factor)


@family("several_edits", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    share, angle = float(workshop.rng.uniform(0.03, 0.1)), float(workshop.rng.uniform(-2, 2))
    factor = float(workshop.rng.uniform(0.85, 1.2))
    return resold(
        workshop,
        lambda image: _edited(image, share, angle, factor),
        f"crop {share:.0%}, {angle:.1f} deg, x{factor:.2f}",
    )
