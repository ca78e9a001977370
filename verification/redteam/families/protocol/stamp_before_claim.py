"""An old picture with its true timestamp, from before the challenge was issued."""

from __future__ import annotations

from datetime import timedelta

from verification.redteam.attesting import stamped
from verification.redteam.authorities import vouchers
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("stamp_before_claim", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    evidence = workshop.evidence(workshop.still())
    at = workshop.issued_at - timedelta(minutes=float(workshop.rng.uniform(1, 50_000)))
    return workshop.sample(stamped(evidence, vouchers().stamper, at=at))
