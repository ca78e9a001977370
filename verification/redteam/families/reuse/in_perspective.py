"""A paid picture seen a little from the side: its corners moved by up to 5 %."""

from __future__ import annotations

from PIL import Image

from verification.redteam.copying import resold, warped
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


def _leaning(image: Image.Image, reach: list[float]) -> Image.Image:
    w, h = image.size
    a, b, c, d, e, f, g, i = reach
    corners = [(a * w, b * h), ((1 - c) * w, d * h), ((1 - e) * w, (1 - f) * h), (g * w, (1 - i) * h)]
    return warped(image, corners)


@family("in_perspective", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    reach = [float(x) for x in workshop.rng.uniform(0, 0.05, 8)]
    return resold(workshop, lambda image: _leaning(image, reach))
