"""The very bytes that were paid for before, honestly signed for a new claim."""

from __future__ import annotations

from verification.redteam.copying import among_others
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("same_file", stratum="reuse")
def _make(workshop: Workshop) -> Sample:
    original = workshop.jpeg(workshop.still().rgb)
    return among_others(workshop, original, original)
