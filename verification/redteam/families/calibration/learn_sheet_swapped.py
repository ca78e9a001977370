"""A repainted code to learn from: photo and burst of one spot, with another sheet and code in each."""

from __future__ import annotations

from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("learn_sheet_swapped", stratum="sighted", fraud="altered", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    motion = workshop.move()
    clip = workshop.shoot(code=workshop.new_code(), motion=motion)
    return workshop.sample(workshop.evidence(replace(clip, rgb=workshop.shoot(motion=motion).rgb)))
