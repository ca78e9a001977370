"""A still to learn from: the code typed small or large at a corner, fed as a loop of two pictures."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import frozen, typed
from verification.redteam.workshop import Sample, Workshop


@family("learn_still_boxed", stratum="sighted", fraud="staged", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    found = typed(
        workshop.photograph(workshop.base),
        workshop.code,
        workshop.rng,
        share=float(workshop.rng.choice([0.22, 0.5])),
    )
    return workshop.sample(workshop.evidence(frozen(workshop, found, workshop.move(), grain=4.0)))
