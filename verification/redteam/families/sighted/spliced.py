"""An honest capture with a piece of another picture pasted into the photo, its edge softened."""

from __future__ import annotations

from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.staging import pasted
from verification.redteam.workshop import Sample, Workshop


@family("spliced", stratum="sighted", fraud="altered", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    shot, share = workshop.shoot(), float(workshop.rng.uniform(0.2, 0.35))
    spliced = pasted(shot.rgb, workshop.photograph(workshop.other()), workshop.rng, share=share)
    return workshop.sample(workshop.evidence(replace(shot, rgb=spliced)), note=f"{share:.0%}")
