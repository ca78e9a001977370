"""A true capture of another place under a forged position; who asks gave photographs of the right one."""

from __future__ import annotations

from dataclasses import replace

from verification.policy import referenced
from verification.redteam.registry import family
from verification.redteam.staging import fitted
from verification.redteam.workshop import Sample, Workshop


@family("wrong_place", stratum="sighted", fraud="misplaced", tiers=(1, 0), needs=("places",))
def _make(workshop: Workshop) -> Sample:
    views = workshop.given_views()
    workshop.stand_before(workshop.other())
    references = tuple(workshop.jpeg(fitted(view.rgb)) for view in views)
    evidence = workshop.evidence(workshop.shoot(), terms=referenced(workshop.terms()))
    note = f"{len(references)} references"
    return workshop.sample(replace(evidence, references=references), note=note)
