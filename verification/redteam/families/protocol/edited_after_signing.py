"""The picture is retouched after the shutter: the statement names the file as it was."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("edited_after_signing", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    shot = workshop.still()
    signed = hashlib.sha256(workshop.jpeg(shot.rgb)).hexdigest()
    left = int(workshop.rng.integers(100, 700))
    retouched = shot.rgb.copy()
    retouched[300:420, left : left + 160] = retouched[100:220, left : left + 160]
    return workshop.sample(workshop.evidence(replace(shot, rgb=retouched), say={"sha256": signed}))
