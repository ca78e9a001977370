"""Two seconds of video shown again and again, or there and back, to the length asked for."""

from __future__ import annotations

from verification.redteam.films import FPS, SECONDS, filmed, handed_in, recorded
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("video_looped", stratum="sighted", fraud="altered")
def _make(workshop: Workshop) -> Sample:
    take, rng = filmed(workshop, seconds=2.0 + float(workshop.rng.uniform(0, 0.8))), workshop.rng
    back = bool(rng.integers(2))
    once = (*take.frames, *take.frames[-2:0:-1]) if back else take.frames
    count = round(SECONDS * FPS)
    frames = tuple(once[k % len(once)] for k in range(count))
    note = f"{len(take.frames)} frames{', there and back' if back else ''}"
    return workshop.sample(handed_in(workshop, recorded(workshop, frames), None), note=note)
