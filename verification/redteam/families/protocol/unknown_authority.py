"""Without the code in the scene: a stock picture under an unknown authority's C2PA manifest (state Valid)."""

from __future__ import annotations

from verification.redteam.authorities import authorities, sign_c2pa
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("unknown_authority", stratum="protocol", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    media = sign_c2pa(workshop.jpeg(workshop.photograph(workshop.other())), authorities().unknown)
    return workshop.sample(workshop.evidence(media))
