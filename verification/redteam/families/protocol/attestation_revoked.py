"""A keybox bought in a forum: perfect attestations, but the maker has put its serial number on the list."""

from __future__ import annotations

from verification.redteam.attesting import attested
from verification.redteam.authorities import vouchers
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("attestation_revoked", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    evidence = workshop.evidence(workshop.still())
    return workshop.sample(attested(evidence, vouchers().leaked))
