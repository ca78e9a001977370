"""The trusted maker's manifest of one photo, moved into the file of another."""

from __future__ import annotations

from verification.redteam.authorities import authorities, graft, sign_c2pa
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("grafted_manifest", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    donor = sign_c2pa(workshop.jpeg(workshop.photograph(workshop.other())), authorities().maker)
    media = graft(donor, workshop.jpeg(workshop.still().rgb))
    return workshop.sample(workshop.evidence(media))
