"""A capture to learn from: all is honest, but there is no sheet."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("learn_no_code", stratum="sighted", fraud="staged", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    return workshop.sample(workshop.evidence(workshop.shoot(code="")))
