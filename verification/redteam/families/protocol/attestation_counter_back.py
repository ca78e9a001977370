"""An iPhone restored from a copy: its assertion's counter was seen before, or lies below."""

from __future__ import annotations

from verification.redteam.attesting import asserted
from verification.redteam.authorities import vouchers
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("attestation_counter_back", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    evidence = workshop.evidence(workshop.still())
    last = int(workshop.rng.integers(2, 500))
    count = last - int(workshop.rng.integers(0, 2))
    bent = asserted(evidence, vouchers().apples, count=count, last=last)
    return workshop.sample(bent)
