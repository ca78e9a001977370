"""A stock picture with the code typed on a white box, fed to the camera as a still."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import frozen, typed
from verification.redteam.workshop import Sample, Workshop


@family("stock_typed_code", stratum="sighted", fraud="staged", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    found = typed(workshop.photograph(workshop.base), workshop.code, workshop.rng)
    return workshop.sample(workshop.evidence(frozen(workshop, found, workshop.move())))
