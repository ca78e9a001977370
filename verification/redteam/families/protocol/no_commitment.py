"""The commitment was never sent: the file may have been made at any time."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("no_commitment", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    return workshop.sample(
        workshop.evidence(workshop.still(), session={"commitment": None, "committed_at": None})
    )
