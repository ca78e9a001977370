"""A capture from elsewhere; the position is one in the asked area with three decimals, as read off a map."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("learn_rounded_position", stratum="sighted", fraud="misplaced", split="calibration", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    say = {"lat": round(workshop.place.lat, 3), "lon": round(workshop.place.lon, 3)}
    return workshop.sample(workshop.evidence(workshop.shoot(), say=say))
