"""A statement made for another challenge than the claim's."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("wrong_nonce", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    return workshop.sample(workshop.evidence(workshop.still(), say={"nonce": workshop.rng.bytes(32).hex()}))
