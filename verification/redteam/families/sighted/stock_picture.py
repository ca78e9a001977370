"""A stock picture fed to the camera: no code, no movement; session, key, GPS and sensors are true."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import frozen
from verification.redteam.workshop import Sample, Workshop


@family("stock_picture", stratum="sighted", fraud="staged", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    found = workshop.photograph(workshop.base)
    return workshop.sample(workshop.evidence(frozen(workshop, found, workshop.move())))
