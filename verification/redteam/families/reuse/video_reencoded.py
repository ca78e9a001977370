"""A paid video, trimmed at both ends and encoded anew, perhaps smaller or mirrored, sold once more."""

from __future__ import annotations

import cv2
import numpy as np

from verification.redteam.films import FPS, filmed, handed_in, recorded
from verification.redteam.photographs import Pixels
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("video_reencoded", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    roll, rng = filmed(workshop), workshop.rng
    original = recorded(workshop, roll.frames)
    head, tail = (int(rng.integers(1, round(1.2 * FPS))) for _ in range(2))
    width = int(rng.choice([640, 480, 320]))
    mirrored = bool(rng.integers(2))

    def again(frame: Pixels) -> Pixels:
        small = cv2.resize(frame, (width, width * 3 // 4), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(small[:, ::-1] if mirrored else small).astype(np.uint8)

    copy = recorded(workshop, tuple(again(frame) for frame in roll.frames[head:-tail]))
    near = bool(rng.integers(2))
    note = f"-{head} -{tail} frames, {width} px{', mirrored' if mirrored else ''}"
    return workshop.sample(
        handed_in(workshop, copy, None), [workshop.earlier(original, near=near)], note=note
    )
