"""Pixels are changed under a trusted manifest: a byte of the picture's data."""

from __future__ import annotations

from verification.redteam.authorities import authorities, sign_c2pa
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("edited_under_manifest", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    signed = bytearray(sign_c2pa(workshop.jpeg(workshop.still().rgb), authorities().maker))
    at = len(signed) - int(workshop.rng.integers(2_000, 20_000))
    signed[at] = (signed[at] + 1) % 250
    return workshop.sample(workshop.evidence(bytes(signed)))
