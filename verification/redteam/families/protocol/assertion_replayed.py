"""An iPhone's assertion over an earlier statement, handed in with a new one."""

from __future__ import annotations

from verification.redteam.attesting import asserted
from verification.redteam.authorities import vouchers
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("assertion_replayed", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    evidence = workshop.evidence(workshop.still())
    earlier = workshop.evidence(workshop.still()).session.statement
    return workshop.sample(asserted(evidence, vouchers().apples, statement=earlier))
