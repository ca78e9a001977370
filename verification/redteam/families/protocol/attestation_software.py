"""At tier 2: a program holds the key, and its chain says so: attested by the maker, in software only."""

from __future__ import annotations

from verification.redteam.attesting import attested
from verification.redteam.authorities import vouchers
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("attestation_software", stratum="protocol", tiers=(2,))
def _make(workshop: Workshop) -> Sample:
    evidence = workshop.evidence(workshop.shoot())
    return workshop.sample(attested(evidence, vouchers().phones, levels=(0, 0)))
