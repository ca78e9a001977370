"""A still to learn from: composited, turned by a program as a plane 0.5 to 1.2 m away."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import composited, moved
from verification.redteam.workshop import Sample, Workshop


@family("learn_still_near", stratum="sighted", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    found = composited(workshop, workshop.base.rgb)
    near = float(workshop.rng.uniform(0.5, 1.2))
    return workshop.sample(
        workshop.evidence(moved(workshop, found, workshop.move(), metres=near)), note=f"{near:.1f} m"
    )
