"""The file ends in the middle of the picture."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("truncated", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    whole = workshop.jpeg(workshop.still().rgb)
    kept = int(len(whole) * workshop.rng.uniform(0.05, 0.9))
    return workshop.sample(workshop.evidence(whole[:kept]))
