"""A program signs the capture with its own key and hands in the attestation of a phone's."""

from __future__ import annotations

from market.simulator.authority import new_key
from verification.redteam.attesting import attested
from verification.redteam.authorities import vouchers
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("attested_other_key", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    evidence = workshop.evidence(workshop.still())
    phones_own = new_key().public_key()
    return workshop.sample(attested(evidence, vouchers().phones, public_key=phones_own))
