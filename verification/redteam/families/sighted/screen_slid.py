"""A true sheet before a screen that goes along as the phone steps aside.

The turns and the step are true, and so are the sheet's and the phone's ways. What the screen shows is larger
than its frame and is slid by a mouse or a timed clip, or the screen itself is carried: about as far as the
phone goes, a little late, so that it shifts as little as what is far.
"""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.staging import fitted, on_screen, slid
from verification.redteam.workshop import Sample, Workshop


@family("screen_slid", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    source = on_screen(workshop, fitted(workshop.base.rgb), (1.2, 2.6))
    return workshop.sample(workshop.evidence(slid(workshop, source, (0.85, 1.15), (0.0, 0.2))))
