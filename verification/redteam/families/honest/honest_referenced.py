"""An honest capture of a place of which whoever asks gave a photograph."""

from __future__ import annotations

from dataclasses import replace

from verification.policy import referenced
from verification.redteam.registry import family
from verification.redteam.staging import fitted
from verification.redteam.workshop import Sample, Workshop


@family("honest_referenced", stratum="honest", tiers=(1,), needs=("places",))
def _make(workshop: Workshop) -> Sample:
    references = (workshop.jpeg(fitted(workshop.another_view().rgb)),)
    evidence = workshop.evidence(workshop.shoot(), terms=referenced(workshop.terms()))
    return workshop.sample(replace(evidence, references=references))
