"""A composited still with the sensor pattern of a victim's phone, estimated from eight public pictures."""

from __future__ import annotations

from dataclasses import replace

from market.simulator.forged import fingerprint, with_fingerprint
from verification.evidence import Evidence
from verification.redteam.registry import family
from verification.redteam.retrying import Care, best_of
from verification.redteam.staging import composited, moved
from verification.redteam.workshop import Sample, Workshop


@family("prnu_copied", stratum="adaptive", fraud="staged", tiers=(1,), thin=5)
def _make(workshop: Workshop) -> Sample:
    taken = [workshop.photo_of(workshop.other()) for _ in range(8)]
    account = workshop.token("acc")
    memory = [workshop.earlier(workshop.jpeg(rgb), account=account) for rgb in taken[:3]]
    pattern = fingerprint(taken)

    def attempt(care: Care) -> Evidence:
        shot = moved(workshop, composited(workshop, workshop.base.rgb), workshop.move())
        copied = replace(shot, rgb=with_fingerprint(shot.rgb, pattern, strength=0.3 + care[0]))
        return workshop.evidence(copied, session={"account": account})

    return best_of(workshop, attempt, memory, tries=4)
