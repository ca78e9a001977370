"""A clip to learn from: the code, small or large, typed over every frame of a clip with true sensors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from verification.redteam.registry import family
from verification.redteam.staging import typed
from verification.redteam.workshop import Sample, Workshop


@family("learn_code_stuck", stratum="sighted", fraud="staged", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    clip = workshop.shoot(code="")
    seed, share = int(workshop.rng.integers(2**32)), float(workshop.rng.choice([0.25, 0.5]))
    rgb, *frames = (
        typed(picture, workshop.code, np.random.default_rng(seed), share=share)
        for picture in (clip.rgb, *clip.frames)
    )
    evidence = workshop.evidence(replace(clip, rgb=rgb, frames=tuple(frames)))
    return workshop.sample(evidence, note=f"{share:.0%}")
