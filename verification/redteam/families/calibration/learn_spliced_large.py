"""A splice to learn from: 45 to 55 % of the photo from another picture."""

from __future__ import annotations

from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.staging import pasted
from verification.redteam.workshop import Sample, Workshop


@family("learn_spliced_large", stratum="sighted", fraud="altered", split="calibration", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    shot, share = workshop.shoot(), float(workshop.rng.uniform(0.45, 0.55))
    spliced = pasted(shot.rgb, workshop.photograph(workshop.other()), workshop.rng, share=share)
    return workshop.sample(workshop.evidence(replace(shot, rgb=spliced)))
