"""Twenty tries with a real sheet before a screen: pitch and focus are climbed by what the verdicts say."""

from __future__ import annotations

from verification.evidence import Evidence
from verification.redteam.registry import family
from verification.redteam.retrying import Care, best_of
from verification.redteam.staging import defocused, fitted, on_screen
from verification.redteam.workshop import Sample, Workshop


@family("retry_screens", stratum="adaptive", fraud="staged", tiers=(1,), thin=5)
def _make(workshop: Workshop) -> Sample:
    shown = fitted(workshop.base.rgb)

    def attempt(care: Care) -> Evidence:
        defocused(workshop, 2.5 * care[1], 2.5 * care[1] + 0.1)
        near = 0.8 + 2 * (1 - care[0])
        return workshop.evidence(workshop.shoot(on_screen(workshop, shown, (near, near + 0.1))))

    return best_of(workshop, attempt)
