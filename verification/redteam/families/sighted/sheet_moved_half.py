"""A true sheet before a screen, and of the step the phone goes only a part, the sheet the rest towards it.

Both go at the same time, so that the sheet's way in the pictures goes with what the phone feels.
"""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import fitted, on_screen, sheet_moved
from verification.redteam.workshop import Sample, Workshop


@family("sheet_moved_half", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    source = on_screen(workshop, fitted(workshop.base.rgb), (1.2, 2.6))
    share = float(workshop.rng.uniform(0.2, 0.6))
    return workshop.sample(workshop.evidence(sheet_moved(workshop, source, share)), note=f"{share:.0%}")
