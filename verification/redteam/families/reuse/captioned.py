"""A paid picture with a caption over a fifth of it and a sticker."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


def _captioned(image: Image.Image, at: float) -> Image.Image:
    pen, tall = ImageDraw.Draw(image), image.height // 8
    pen.rectangle((0, image.height * at, image.width, image.height * at + 1.4 * tall), fill=(255, 255, 255))
    words, font = "TODAY HERE", ImageFont.load_default(tall)
    pen.text((image.width * 0.1, image.height * at + 0.1 * tall), words, fill=(0, 0, 0), font=font)
    pen.ellipse((image.width * 0.8, 10, image.width * 0.95, 10 + image.width * 0.15), fill=(230, 60, 60))
    return image


@family("captioned", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    at = float(workshop.rng.uniform(0.1, 0.75))
    return resold(workshop, lambda image: _captioned(image, at), f"at {at:.2f}")
