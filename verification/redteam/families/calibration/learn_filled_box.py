"""An alteration to learn from: a rectangle anywhere in the honest photo wiped to a blur of itself."""

from __future__ import annotations

from dataclasses import replace

import cv2

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("learn_filled_box", stratum="sighted", fraud="altered", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    shot, share = workshop.shoot(), float(workshop.rng.uniform(0.12, 0.45))
    wiped, (height, width) = shot.rgb.copy(), shot.rgb.shape[:2]
    wide, high = round(width * share), round(height * share * float(workshop.rng.uniform(0.5, 1.0)))
    x, y = int(workshop.rng.integers(width - wide)), int(workshop.rng.integers(height - high))
    soft = cv2.GaussianBlur(wiped, (0, 0), max(wide, high) / 4)
    wiped[y : y + high, x : x + wide] = soft[y : y + high, x : x + wide]
    return workshop.sample(workshop.evidence(replace(shot, rgb=wiped)), note=f"{share:.0%}")
