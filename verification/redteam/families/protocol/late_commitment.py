"""The commitment comes after the freshness that was agreed: time enough to make a picture."""

from __future__ import annotations

from datetime import timedelta

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("late_commitment", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    late = workshop.issued_at + timedelta(seconds=601 + float(workshop.rng.exponential(300)))
    return workshop.sample(
        workshop.evidence(workshop.still(), session={"committed_at": late, "submitted_at": late})
    )
