"""The text of a trusted manifest is changed: another camera's name over the same signature."""

from __future__ import annotations

from verification.redteam.authorities import authorities, sign_c2pa
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("edited_manifest", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    signed = sign_c2pa(workshop.jpeg(workshop.still().rgb), authorities().maker)
    media = signed.replace(b"spotcheck-simulator", b"spotcheck-simulated", 1)
    return workshop.sample(workshop.evidence(media))
