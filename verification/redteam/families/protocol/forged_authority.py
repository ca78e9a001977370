"""A C2PA manifest by an authority that bears the trusted maker's names, made at home in a minute."""

from __future__ import annotations

from verification.redteam.authorities import authorities, sign_c2pa
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("forged_authority", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    media = sign_c2pa(workshop.jpeg(workshop.still().rgb), authorities().forged)
    return workshop.sample(workshop.evidence(media))
