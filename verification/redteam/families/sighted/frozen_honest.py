"""One honest picture with the code, repeated as a burst: the phone moved, the pictures did not."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import frozen
from verification.redteam.workshop import Sample, Workshop


@family("frozen_honest", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    shot = workshop.shoot()
    return workshop.sample(
        workshop.evidence(frozen(workshop, shot.rgb, shot.motion or workshop.move(), taken=True))
    )
