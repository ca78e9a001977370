"""A coarse print that is let fall once the photo is taken, to learn from; then a true room is there."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import fitted, let_fall
from verification.redteam.workshop import Sample, Workshop


@family("learn_print_let_fall", stratum="sighted", fraud="staged", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    return workshop.sample(workshop.evidence(let_fall(workshop, fitted(workshop.base.rgb), (3.2, 4.5))))
