"""A stolen session token: the statement is right, but another phone's key signed it."""

from __future__ import annotations

from verification.redteam.device import Key
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("foreign_key", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    return workshop.sample(workshop.evidence(workshop.still(), key=Key.make(workshop.rng)))
