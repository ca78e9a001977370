"""The statement leaves the position out, in the hope that absence costs less than elsewhere."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("position_left_out", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    return workshop.sample(
        workshop.evidence(workshop.still(), say={"lat": None, "lon": None, "accuracy_m": None})
    )
