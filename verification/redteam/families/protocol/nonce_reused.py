"""An honest capture under a nonce that another capture was handed in under before."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("nonce_reused", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    return workshop.sample(workshop.evidence(workshop.still(), session={"nonce_uses": 1}))
