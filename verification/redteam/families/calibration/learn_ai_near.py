"""A generated still to learn from: composited, turned as a plane 0.5 to 1.2 m away."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import composited, moved
from verification.redteam.workshop import Sample, Workshop


@family("learn_ai_near", stratum="sighted", split="calibration", tiers=(1,), needs=("ai",))
def _make(workshop: Workshop) -> Sample:
    made = composited(workshop, workshop.made().rgb)
    return workshop.sample(
        workshop.evidence(
            moved(workshop, made, workshop.move(), metres=float(workshop.rng.uniform(0.5, 1.2)))
        )
    )
