"""A true sheet before a screen or a print, and instead of the phone the sheet is moved aside.

The phone turns as asked; for the step it is held still, so that what stands behind is not shifted, as a far
scene is not.
"""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import fitted, in_print, on_screen, sheet_moved
from verification.redteam.workshop import Sample, Workshop


@family("sheet_moved", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    rgb = fitted(workshop.base.rgb)
    shown = workshop.rng.random() < 0.5
    source = on_screen(workshop, rgb, (1.2, 2.6)) if shown else in_print(workshop, rgb, (1.5, 3.0))
    note = "screen" if shown else "print"
    return workshop.sample(workshop.evidence(sheet_moved(workshop, source, 0.0)), note=note)
