"""An honest capture of a poster, a notice or a price list that somebody photographed before."""

from __future__ import annotations

from verification.redteam.notices import photographed_twice
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop

_SPOTS = ((0.0, 0.0), (0.02, 1.0), (0.02, 1.0), (0.2, 6.0))  # metres, degrees


@family("honest_poster", stratum="honest", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    return photographed_twice(workshop, share=(0.4, 0.8), away_m=(0.6, 1.6), spots=_SPOTS, texts=0.6)
