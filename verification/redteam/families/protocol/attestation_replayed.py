"""The right phone's attestation, made for another claim's nonce."""

from __future__ import annotations

from verification.redteam.attesting import attested
from verification.redteam.authorities import vouchers
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("attestation_replayed", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    evidence = workshop.evidence(workshop.still())
    earlier = workshop.rng.bytes(32).hex().encode()
    return workshop.sample(attested(evidence, vouchers().phones, challenge=earlier))
