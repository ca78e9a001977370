"""A clip with depth that turns as asked, gyro and all; only the code is drawn over it, at one place."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import overlaid
from verification.redteam.workshop import Sample, Workshop


@family("code_overlaid", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    return workshop.sample(workshop.evidence(overlaid(workshop.shoot(code=""), workshop.code, workshop.rng)))
