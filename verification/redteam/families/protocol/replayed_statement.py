"""Statement and signature of an earlier capture of the same phone, handed in again for a new claim."""

from __future__ import annotations

from dataclasses import replace

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("replayed_statement", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    shot = workshop.still()
    first = workshop.evidence(shot)
    again = workshop.evidence(first.media)
    session = replace(
        again.session,
        statement=first.session.statement,
        commitment=first.session.commitment,
        signature=first.session.signature,
    )
    memory = [workshop.earlier(first.media, account=again.session.account)]
    return workshop.sample(replace(again, session=session), memory)
