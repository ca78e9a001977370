"""Without the code in the scene: an old picture with the EXIF block of an honest capture of today."""

from __future__ import annotations

import io

from PIL import Image

from verification.redteam.lens import finish
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("copied_exif", stratum="protocol", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    honest = finish(
        workshop.still().rgb, "native", workshop.camera, workshop.rng, workshop.issued_at, workshop.place
    )
    old = Image.fromarray(workshop.photograph(workshop.other()))
    out = io.BytesIO()
    old.save(
        out, "JPEG", quality=int(workshop.rng.integers(88, 96)), exif=Image.open(io.BytesIO(honest)).getexif()
    )
    return workshop.sample(workshop.evidence(out.getvalue()))
