"""A stock picture with the code typed in, turned by a program just as the phone in the hand turns."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import moved, typed
from verification.redteam.workshop import Sample, Workshop


@family("typed_and_moved", stratum="sighted", fraud="staged", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    found = typed(workshop.photograph(workshop.base), workshop.code, workshop.rng)
    return workshop.sample(workshop.evidence(moved(workshop, found, workshop.move())))
