"""At tier 2: everything as asked, but no word of the phone's maker."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("attestation_left_out", stratum="protocol", tiers=(2,))
def _make(workshop: Workshop) -> Sample:
    return workshop.sample(workshop.evidence(workshop.shoot()))
