"""A generated still to learn from: composited with little care, turned by a program."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import composited, moved
from verification.redteam.workshop import Sample, Workshop


@family(
    "learn_ai_careless", stratum="sighted", fraud="staged", split="calibration", tiers=(1,), needs=("ai",)
)
def _make(workshop: Workshop) -> Sample:
    made = composited(workshop, workshop.made().rgb, float(workshop.rng.uniform(0.2, 0.6)))
    return workshop.sample(
        workshop.evidence(moved(workshop, made, workshop.move(), care=float(workshop.rng.uniform(0.2, 0.6))))
    )
