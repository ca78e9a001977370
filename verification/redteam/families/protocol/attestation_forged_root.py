"""An attestation by a root that bears the maker's names, made at home in a minute."""

from __future__ import annotations

from verification.redteam.attesting import attested
from verification.redteam.authorities import vouchers
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("attestation_forged_root", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    evidence = workshop.evidence(workshop.still())
    return workshop.sample(attested(evidence, vouchers().namesake))
