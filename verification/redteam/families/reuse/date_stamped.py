"""A paid picture with another date burnt into its corner, as old cameras did."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


def _stamped(image: Image.Image, stamp: str) -> Image.Image:
    font = ImageFont.load_default(image.height // 18)
    ImageDraw.Draw(image).text(
        (image.width * 0.55, image.height * 0.9), stamp, fill=(255, 150, 30), font=font
    )
    return image


@family("date_stamped", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    stamp = f"{workshop.issued_at:%Y-%m-%d %H:%M}"
    return resold(workshop, lambda image: _stamped(image, stamp))
