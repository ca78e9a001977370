"""A clip made for another claim: its sheet bears the right code in the photo alone, not in the burst."""

from __future__ import annotations

from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.staging import composited
from verification.redteam.workshop import Sample, Workshop


@family("code_repainted", stratum="sighted", fraud="altered", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    motion = workshop.move()
    clip = workshop.shoot(code=workshop.new_code(), motion=motion)
    return workshop.sample(workshop.evidence(replace(clip, rgb=composited(workshop, workshop.base.rgb))))
