"""A clip of a composited still with frames but no sensors: absence in place of a lie."""

from __future__ import annotations

from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.staging import composited, moved
from verification.redteam.workshop import Sample, Workshop


@family("gyro_left_out", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    shot = moved(workshop, composited(workshop, workshop.base.rgb), workshop.move())
    return workshop.sample(workshop.evidence(replace(shot, motion=None)))
