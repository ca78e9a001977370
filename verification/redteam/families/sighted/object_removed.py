"""An honest capture from whose photo a thing was taken away and filled from around it."""

from __future__ import annotations

from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.staging import removed
from verification.redteam.workshop import Sample, Workshop


@family("object_removed", stratum="sighted", fraud="altered", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    shot, share = workshop.shoot(), float(workshop.rng.uniform(0.15, 0.3))
    return workshop.sample(
        workshop.evidence(replace(shot, rgb=removed(shot.rgb, workshop.rng, share=share))),
        note=f"{share:.0%}",
    )
