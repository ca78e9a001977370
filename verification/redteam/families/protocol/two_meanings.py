"""A statement in which one key stands twice: its reader may take either place."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("two_meanings", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    honest = workshop.evidence(workshop.still())
    text = honest.session.statement[:-1] + ', "lat": 0.0}'
    return workshop.sample(workshop.evidence(honest.media, text=text))
