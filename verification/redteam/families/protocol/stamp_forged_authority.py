"""A timestamp by an authority that bears a known stamper's names, made at home."""

from __future__ import annotations

from verification.redteam.attesting import stamped
from verification.redteam.authorities import vouchers
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("stamp_forged_authority", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    evidence = workshop.evidence(workshop.still())
    return workshop.sample(stamped(evidence, vouchers().pretender))
