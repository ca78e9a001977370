"""An honest photo and burst of tier 2: as at tier 1, with an attestation by the maker of the phone."""

from __future__ import annotations

from verification.redteam.attesting import asserted, attested
from verification.redteam.authorities import vouchers
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("honest_t2", stratum="honest", tiers=(2,))
def _make(workshop: Workshop) -> Sample:
    evidence = workshop.evidence(workshop.shoot())
    android = workshop.rng.random() < 0.5
    makers = vouchers()
    return workshop.sample(
        attested(evidence, makers.phones) if android else asserted(evidence, makers.apples)
    )
