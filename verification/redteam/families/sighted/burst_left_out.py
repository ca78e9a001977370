"""A composited still without any burst: absence in place of a lie."""

from __future__ import annotations

from verification.redteam.lens import Shot
from verification.redteam.registry import family
from verification.redteam.staging import composited
from verification.redteam.workshop import Sample, Workshop


@family("burst_left_out", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    found = composited(workshop, workshop.base.rgb)
    return workshop.sample(workshop.evidence(Shot(found)))
