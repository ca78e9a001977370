"""One statement is committed in time, another, signed as well, is handed in for it."""

from __future__ import annotations

import hashlib

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("swapped_commitment", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    committed = hashlib.sha256(workshop.rng.bytes(64)).digest()
    return workshop.sample(workshop.evidence(workshop.still(), session={"commitment": committed}))
