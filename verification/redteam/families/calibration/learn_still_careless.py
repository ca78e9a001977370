"""A still to learn from: a sheet composited with little care, turned by a program that knows no noise."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import composited, moved
from verification.redteam.workshop import Sample, Workshop


@family("learn_still_careless", stratum="sighted", fraud="staged", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    found = composited(workshop, workshop.base.rgb, float(workshop.rng.uniform(0.2, 0.6)))
    return workshop.sample(
        workshop.evidence(moved(workshop, found, workshop.move(), care=float(workshop.rng.uniform(0.2, 0.6))))
    )
