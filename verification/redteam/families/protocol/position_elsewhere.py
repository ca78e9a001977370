"""The phone tells the truth: it stands tens to thousands of kilometres away."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("position_elsewhere", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    lat = workshop.place.lat + float(workshop.rng.choice([-1, 1])) * float(workshop.rng.uniform(0.3, 25))
    return workshop.sample(workshop.evidence(workshop.still(), say={"lat": lat}))
