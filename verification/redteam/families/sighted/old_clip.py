"""A real clip of another day with its own sensors; the code is drawn over it, other turns were asked."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import overlaid
from verification.redteam.workshop import Sample, Workshop


@family("old_clip", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    clip = workshop.shoot(code="", motion=workshop.move(workshop.other_order()))
    return workshop.sample(workshop.evidence(overlaid(clip, workshop.code, workshop.rng)))
