"""A true timestamp, of another file."""

from __future__ import annotations

from verification.redteam.attesting import stamped
from verification.redteam.authorities import vouchers
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("stamp_of_other_file", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    evidence = workshop.evidence(workshop.still())
    another = workshop.jpeg(workshop.photograph(workshop.other()))
    return workshop.sample(stamped(evidence, vouchers().stamper, media=another))
