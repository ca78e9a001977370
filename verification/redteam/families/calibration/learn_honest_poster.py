"""To learn from: an honest capture of a poster, a notice or a price list that was photographed before."""

from __future__ import annotations

from verification.redteam.notices import photographed_twice
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop

_SPOTS = ((0.0, 0.0), (0.01, 0.5), (0.04, 2.0), (0.3, 8.0))  # metres, degrees


@family("learn_honest_poster", stratum="honest", split="calibration", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    return photographed_twice(workshop, share=(0.35, 0.85), away_m=(0.5, 1.3), spots=_SPOTS, texts=0.4)
