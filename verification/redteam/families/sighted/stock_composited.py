"""A stock picture with a sheet composited in perspective, light and focus, fed to the camera as a still."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import composited, frozen
from verification.redteam.workshop import Sample, Workshop


@family("stock_composited", stratum="sighted", fraud="staged", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    found = composited(workshop, workshop.base.rgb)
    return workshop.sample(workshop.evidence(frozen(workshop, found, workshop.move())))
