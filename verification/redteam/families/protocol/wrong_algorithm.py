"""A sound signature by a key of another kind than the enrolled one, which the statement brings along."""

from __future__ import annotations

from market.simulator.contributor import DeviceKey
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("wrong_algorithm", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    key = DeviceKey("Ed25519", workshop.rng.bytes(32))
    said = {"alg": "Ed25519", "public_key": key.public_key.hex()}
    return workshop.sample(workshop.evidence(workshop.still(), key=key, say=said))
