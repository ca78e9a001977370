"""Twenty tries before a screen, a part of the step made with the sheet: part and focus are climbed."""

from __future__ import annotations

from verification.evidence import Evidence
from verification.redteam.registry import family
from verification.redteam.retrying import Care, best_of
from verification.redteam.staging import defocused, fitted, on_screen, sheet_moved
from verification.redteam.workshop import Sample, Workshop


@family("retry_sheet_moved", stratum="adaptive", fraud="staged", tiers=(1,), thin=5)
def _make(workshop: Workshop) -> Sample:
    shown = fitted(workshop.base.rgb)

    def attempt(care: Care) -> Evidence:
        defocused(workshop, 2.0 * care[1], 2.0 * care[1] + 0.1)
        return workshop.evidence(sheet_moved(workshop, on_screen(workshop, shown, (1.2, 2.6)), care[0]))

    return best_of(workshop, attempt)
