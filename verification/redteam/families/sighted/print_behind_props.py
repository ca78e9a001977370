"""A true sheet before a print, and beside the sheet, as near as it, two true things: there is depth.

What the step shifts is then no one plane, though what was asked for is printed.
"""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import behind_props, fitted, in_print
from verification.redteam.workshop import Sample, Workshop


@family("print_behind_props", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    back = in_print(workshop, fitted(workshop.base.rgb), (1.5, 3.0))
    thing = behind_props(workshop, back, fitted(workshop.other().rgb))
    return workshop.sample(workshop.evidence(workshop.shoot(thing)))
