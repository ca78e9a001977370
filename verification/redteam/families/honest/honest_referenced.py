"""An honest capture of a place of which whoever asks gave the other views there are, four at most."""

from __future__ import annotations

from dataclasses import replace

from verification.policy import referenced
from verification.redteam.registry import family
from verification.redteam.staging import fitted
from verification.redteam.workshop import Sample, Workshop


@family("honest_referenced", stratum="honest", tiers=(1,), needs=("places",))
def _make(workshop: Workshop) -> Sample:
    references = tuple(workshop.jpeg(fitted(view.rgb)) for view in workshop.given_views())
    evidence = workshop.evidence(workshop.shoot(), terms=referenced(workshop.terms()))
    note = f"{len(references)} references"
    return workshop.sample(replace(evidence, references=references), note=note)
