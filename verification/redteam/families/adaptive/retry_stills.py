"""Twenty tries with stills: each verdict says whether more care for sheet or noise pays; the best is kept."""

from __future__ import annotations

from verification.evidence import Evidence
from verification.redteam.registry import family
from verification.redteam.retrying import Care, best_of
from verification.redteam.staging import composited, moved
from verification.redteam.workshop import Sample, Workshop


@family("retry_stills", stratum="adaptive", fraud="staged", tiers=(1,), thin=5)
def _make(workshop: Workshop) -> Sample:
    def attempt(care: Care) -> Evidence:
        shown = composited(workshop, workshop.base.rgb, care[0])
        return workshop.evidence(moved(workshop, shown, workshop.move(), care=care[1]))

    return best_of(workshop, attempt)
