"""A paid picture with a border or with bars above and below."""

from __future__ import annotations

from PIL import Image, ImageOps

from verification.redteam.copying import resold
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


def _framed(image: Image.Image, share: float, bars: bool) -> Image.Image:
    edge = round(image.height * share)
    return ImageOps.expand(image, (0 if bars else edge, edge), fill=(0, 0, 0) if bars else (245, 245, 245))


@family("framed", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    share = float(workshop.rng.uniform(0.04, 0.15))
    bars = bool(workshop.rng.integers(2))
    return resold(
        workshop, lambda image: _framed(image, share, bars), f"{'bars' if bars else 'border'} {share:.0%}"
    )
