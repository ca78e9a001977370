"""A statement that names another enrolled phone."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("other_device", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    return workshop.sample(workshop.evidence(workshop.still(), say={"device": workshop.token("dev")}))
