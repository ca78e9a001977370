"""The commitment is older than the challenge: the file existed before it was asked for."""

from __future__ import annotations

from datetime import timedelta

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("early_commitment", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    early = workshop.issued_at - timedelta(seconds=1 + float(workshop.rng.exponential(600)))
    return workshop.sample(workshop.evidence(workshop.still(), session={"committed_at": early}))
