"""An honest capture of a place of which whoever asks gave photographs, taken turning at another spot."""

from __future__ import annotations

from dataclasses import replace

from verification.policy import referenced
from verification.redteam.registry import family
from verification.redteam.staging import turned_about
from verification.redteam.workshop import Sample, Workshop


@family("learn_honest_referenced", stratum="honest", split="calibration", tiers=(1,), needs=("places",))
def _make(workshop: Workshop) -> Sample:
    references = turned_about(workshop, workshop.another_view().rgb)
    evidence = workshop.evidence(workshop.shoot(), terms=referenced(workshop.terms()))
    note = f"{len(references)} references"
    return workshop.sample(replace(evidence, references=references), note=note)
