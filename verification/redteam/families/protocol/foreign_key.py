"""A stolen session token: the statement is right, but another phone's key signed it."""

from __future__ import annotations

from market.simulator.contributor import DeviceKey
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("foreign_key", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    return workshop.sample(
        workshop.evidence(workshop.still(), key=DeviceKey("ES256", workshop.rng.bytes(32)))
    )
