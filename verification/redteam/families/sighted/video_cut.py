"""Two takes joined into one video by a cut or a dissolve; motion of the first goes with it."""

from __future__ import annotations

import numpy as np

from verification.redteam.films import filmed, handed_in, recorded
from verification.redteam.photographs import Pixels
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("video_cut", stratum="sighted", fraud="altered")
def _make(workshop: Workshop) -> Sample:
    first = filmed(workshop)
    scene = workshop.base if workshop.rng.random() < 0.3 else workshop.other()
    second = filmed(workshop, scene)
    at = int(workshop.rng.integers(20, len(first.frames) - 20))
    blend = int(workshop.rng.choice([0, 0, 8]))
    frames = (
        *first.frames[:at],
        *_mixed(first.frames, second.frames, at, blend),
        *second.frames[at + blend :],
    )
    same = "same scene" if scene is workshop.base else "another scene"
    note = f"{'dissolve' if blend else 'cut'} at {at}, {same}"
    return workshop.sample(handed_in(workshop, recorded(workshop, frames), first.motion), note=note)


def _mixed(a: tuple[Pixels, ...], b: tuple[Pixels, ...], at: int, count: int) -> list[Pixels]:
    shares = (np.arange(count) + 1) / (count + 1)
    pairs = zip(a[at : at + count], b[at : at + count], shares, strict=True)
    return [(x * (1 - share) + y * share).astype(np.uint8) for x, y, share in pairs]
