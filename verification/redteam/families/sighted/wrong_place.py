"""A true capture of another place under a forged position; who asks gave photographs of the right one."""

from __future__ import annotations

from dataclasses import replace

from verification.policy import referenced
from verification.redteam.registry import family
from verification.redteam.staging import fitted
from verification.redteam.workshop import Sample, Workshop


@family("wrong_place", stratum="sighted", fraud="misplaced", tiers=(1, 0), needs=("places",))
def _make(workshop: Workshop) -> Sample:
    names = sorted(workshop.shelf.places)
    views = workshop.shelf.places[names[int(workshop.rng.integers(len(names)))]]
    while workshop.base.group == views[0].group:
        workshop.stand_before(workshop.other())
    references = tuple(workshop.jpeg(fitted(view.rgb)) for view in views[:3])
    evidence = workshop.evidence(workshop.shoot(), terms=referenced(workshop.terms()))
    return workshop.sample(replace(evidence, references=references))
