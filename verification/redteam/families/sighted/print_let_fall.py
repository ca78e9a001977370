"""A true sheet before a print of the place; once the photo is taken the print is let fall: a room is there.

The turns and the step are made before the room, whose depth is true.
"""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import fitted, let_fall
from verification.redteam.workshop import Sample, Workshop


@family("print_let_fall", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    return workshop.sample(workshop.evidence(let_fall(workshop, fitted(workshop.base.rgb), (1.5, 3.0))))
