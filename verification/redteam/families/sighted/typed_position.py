"""A capture from elsewhere; the position is the middle of the asked area, as one types it."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("typed_position", stratum="sighted", fraud="misplaced", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    terms = workshop.terms()
    centre = terms.area.centre if terms.area else workshop.place
    evidence = workshop.evidence(workshop.shoot(), terms=terms, say={"lat": centre.lat, "lon": centre.lon})
    return workshop.sample(evidence)
