"""A wrong place to learn from: references of one scene, a capture of another."""

from __future__ import annotations

from dataclasses import replace

from verification.policy import referenced
from verification.redteam.registry import family
from verification.redteam.staging import fitted
from verification.redteam.workshop import Sample, Workshop


@family("learn_wrong_place", stratum="sighted", fraud="misplaced", split="calibration", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    references = tuple(workshop.jpeg(fitted(workshop.other().rgb)) for _ in range(2))
    evidence = workshop.evidence(workshop.shoot(), terms=referenced(workshop.terms()))
    return workshop.sample(replace(evidence, references=references))
