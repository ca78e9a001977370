"""A true sheet before a screen of large pixels, the sheet moved and the phone nearly still, to learn from."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import fitted, on_screen, sheet_moved
from verification.redteam.workshop import Sample, Workshop


@family("learn_sheet_moved", stratum="sighted", fraud="staged", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    source = on_screen(workshop, fitted(workshop.base.rgb), (2.8, 4.0))
    share = float(workshop.rng.uniform(0.05, 0.15))
    return workshop.sample(workshop.evidence(sheet_moved(workshop, source, share)), note=f"{share:.0%}")
