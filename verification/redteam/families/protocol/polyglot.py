"""A second file behind the picture's end: a checker sees the one, a person the other."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("polyglot", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    hidden = b"PK\x03\x04" + workshop.rng.bytes(int(workshop.rng.integers(50, 5_000)))
    return workshop.sample(workshop.evidence(workshop.jpeg(workshop.still().rgb) + hidden))
