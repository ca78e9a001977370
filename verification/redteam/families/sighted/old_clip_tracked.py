"""A real clip of another day with a sheet tracked into it in three dimensions; other turns were asked."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("old_clip_tracked", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    return workshop.sample(workshop.evidence(workshop.shoot(motion=workshop.move(workshop.other_order()))))
