"""A generated still with a sheet composited in, fed to the camera as it is."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import composited, frozen
from verification.redteam.workshop import Sample, Workshop


@family("ai_still", stratum="sighted", fraud="staged", tiers=(1, 0), needs=("ai",))
def _make(workshop: Workshop) -> Sample:
    made = composited(workshop, workshop.made().rgb)
    return workshop.sample(workshop.evidence(frozen(workshop, made, workshop.move())))
