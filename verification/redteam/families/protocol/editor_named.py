"""An honest picture into which something was pasted; the editor's name stands in the file."""

from __future__ import annotations

import io

from PIL import ExifTags, Image

from verification.redteam.lens import finish
from verification.redteam.registry import family
from verification.redteam.staging import fitted, pasted
from verification.redteam.workshop import Sample, Workshop

_EDITORS = ("Adobe Photoshop 25.4 (Windows)", "GIMP 2.10.36", "Snapseed 2.0", "Adobe Lightroom 9.1 (Android)")


@family("editor_named", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    shot, rng = workshop.still(), workshop.rng
    honest = finish(shot.rgb, "native", workshop.camera, rng, workshop.issued_at, workshop.place)
    exif = Image.open(io.BytesIO(honest)).getexif()
    exif[ExifTags.Base.Software] = str(rng.choice(_EDITORS))
    out = io.BytesIO()
    edited = pasted(shot.rgb, fitted(workshop.photograph(workshop.other())), rng)
    Image.fromarray(edited).save(out, "JPEG", quality=int(rng.integers(88, 96)), exif=exif)
    return workshop.sample(workshop.evidence(out.getvalue()))
