"""A stolen phone: its key signs well, but its owner has revoked it."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("revoked_device", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    return workshop.sample(workshop.evidence(workshop.still(), session={"device_revoked": True}))
