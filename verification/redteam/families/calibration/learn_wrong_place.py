"""A wrong place to learn from: references of one scene, as those of the honest, and a capture of another."""

from __future__ import annotations

from dataclasses import replace

from verification.policy import referenced
from verification.redteam.registry import family
from verification.redteam.staging import turned_about
from verification.redteam.workshop import Sample, Workshop


@family("learn_wrong_place", stratum="sighted", fraud="misplaced", split="calibration", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    references = turned_about(workshop, workshop.other().rgb)
    evidence = workshop.evidence(workshop.shoot(), terms=referenced(workshop.terms()))
    note = f"{len(references)} references"
    return workshop.sample(replace(evidence, references=references), note=note)
