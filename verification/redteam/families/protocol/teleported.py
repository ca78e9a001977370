"""The account was handed in as on another continent ten minutes ago: no aeroplane is so fast."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("teleported", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    evidence = workshop.evidence(workshop.still())
    elsewhere = workshop.jpeg(workshop.photograph(workshop.other()))
    memory = [workshop.earlier(elsewhere, account=evidence.session.account, near=False, minutes=10)]
    return workshop.sample(evidence, memory)
