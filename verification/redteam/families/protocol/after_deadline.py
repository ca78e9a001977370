"""Committed in time, but the media comes after the claim has ended."""

from __future__ import annotations

from datetime import timedelta

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("after_deadline", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    late = workshop.issued_at + timedelta(minutes=30, seconds=1 + float(workshop.rng.exponential(900)))
    return workshop.sample(workshop.evidence(workshop.still(), session={"submitted_at": late}))
