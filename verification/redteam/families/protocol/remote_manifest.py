"""Without the code in the scene: a stock picture that names an address where its manifest is said to lie."""

from __future__ import annotations

from verification.redteam.authorities import name_remote
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("remote_manifest", stratum="protocol", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    media = name_remote(
        workshop.jpeg(workshop.photograph(workshop.other())), "http://127.0.0.1:9/manifest.c2pa"
    )
    return workshop.sample(workshop.evidence(media))
