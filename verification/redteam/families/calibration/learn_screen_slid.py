"""A true sheet before a screen of large pixels that goes along, badly, as the phone steps, to learn from."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import fitted, on_screen, slid
from verification.redteam.workshop import Sample, Workshop


@family("learn_screen_slid", stratum="sighted", fraud="staged", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    source = on_screen(workshop, fitted(workshop.base.rgb), (2.8, 4.0))
    return workshop.sample(workshop.evidence(slid(workshop, source, (0.7, 0.84), (0.2, 0.35))))
