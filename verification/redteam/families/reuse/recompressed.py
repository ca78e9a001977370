"""A paid picture saved again as JPEG of quality 20 to 95."""

from __future__ import annotations

import io

from PIL import Image

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


def _again(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Image.open(out)


@family("recompressed", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    quality = int(workshop.rng.integers(20, 96))
    return resold(workshop, lambda image: _again(image, quality), f"q{quality}")
