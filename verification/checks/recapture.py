"""recapture: a screen's pixel grid, or its moire, shows in the picture's fine detail.

Stops: a photograph of a monitor or phone whose pixels the camera resolves or aliases.
How: periodic peaks in the spectrum of the detail at native resolution, against the ring of the same
radius and their surroundings, at a frequency and at that frequency turned by 90 degrees
(`verification.forensics.spectrum`).
Limits: optics that blur by more than about one pixel, or a distance that makes the grid finer than the
sensor's, leave no peak: the hard case, for depth, light and nets. A picture scaled down after the shot
shows little, prints without a halftone nothing. Honest close-ups of printed codes, fine fabric and keyboards
have peaks too, so this never proves. Figures: bench/forensics.py.
Source: Garcia & de Queiroz 2015 (moire peaks); TRUTH 2d.
"""

from __future__ import annotations

import numpy as np

from verification.case import Case
from verification.evidence import Family, Outcome, abstain, ok
from verification.forensics import spectrum
from verification.registry import check

PEAKS = (
    2.3,
    2.8,
    3.6,
    4.4,
    5.5,
)  # nats of power, see `spectrum.peaks`; the middle is the honest 97th percentile
NATS = (0.25, 0.0, -0.4, -2.5, -3.5)


@check(
    "recapture", family=Family.RECAPTURE, version="1", cost=1, kinds={"photo", "video"}, bounds=(-4.0, 0.5)
)
def recapture(case: Case) -> Outcome:
    """OK "no_screen_grid", "periodic_detail" or "screen_grid"; abstains from small or flat pictures."""
    grain = case.grain()
    if grain is None:
        return abstain("no_picture")
    found = spectrum.peaks(grain.luminance)
    if found is None:
        return abstain("nothing_to_see")
    llr = float(np.interp(found, PEAKS, NATS))
    if case.film is not None:
        llr = min(llr, 0.0)  # a film's encoder smooths the grid away, so its absence says nothing
    reason = "no_screen_grid" if llr >= 0 else "periodic_detail" if llr > -1.5 else "screen_grid"
    return ok(llr, reason, peak=round(found, 2))
