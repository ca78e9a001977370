"""An hour to learn from: a daylit capture handed in as of three hours before dawn."""

from __future__ import annotations

from datetime import timedelta

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("learn_dusk", stratum="sighted", fraud="misplaced", split="calibration", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    workshop.issued_at = workshop.issued_at - timedelta(hours=9)
    return workshop.sample(workshop.evidence(workshop.shoot()))
