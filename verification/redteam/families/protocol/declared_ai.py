"""A trusted signer says of the picture itself that a model made it."""

from __future__ import annotations

from verification.redteam.authorities import authorities, sign_c2pa
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("declared_ai", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    rgb = workshop.photograph(workshop.other())
    media = sign_c2pa(workshop.jpeg(rgb), authorities().maker, source="trainedAlgorithmicMedia")
    return workshop.sample(workshop.evidence(media))
