"""Without the code in the scene: a stock picture that a trusted camera has signed (Nikon, 2025)."""

from __future__ import annotations

from verification.redteam.authorities import authorities, sign_c2pa
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("trusted_stock", stratum="protocol", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    media = sign_c2pa(workshop.jpeg(workshop.photograph(workshop.other())), authorities().maker)
    return workshop.sample(workshop.evidence(media))
