"""Twenty tries with a paid picture at tier 0: crop and lean grow until the copy is no longer recognised."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from verification.evidence import Evidence
from verification.redteam.copying import warped
from verification.redteam.registry import family
from verification.redteam.retrying import Care, best_of
from verification.redteam.workshop import Sample, Workshop


@family("climb_copy", stratum="adaptive", fraud="copied", tiers=(0,), thin=5)
def _make(workshop: Workshop) -> Sample:
    original = workshop.jpeg(workshop.still().rgb)
    memory = [workshop.earlier(original)]

    def attempt(care: Care) -> Evidence:
        image = Image.open(io.BytesIO(original))
        w, h = image.size
        lean, cut = 0.2 * care[0], 0.35 * care[1]
        corners = [(cut * w, (cut + lean) * h), ((1 - lean) * w, cut * h), (w, (1 - lean) * h), (lean * w, h)]
        return workshop.evidence(workshop.jpeg(np.asarray(warped(image, corners), np.uint8)))

    return best_of(workshop, attempt, memory)
