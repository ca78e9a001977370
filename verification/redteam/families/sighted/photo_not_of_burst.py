"""An honest burst with code and turns; the photo beside it is a stock picture with the code composited."""

from __future__ import annotations

from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.staging import composited
from verification.redteam.workshop import Sample, Workshop


@family("photo_not_of_burst", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    shot = workshop.shoot()
    return workshop.sample(workshop.evidence(replace(shot, rgb=composited(workshop, workshop.other().rgb))))
