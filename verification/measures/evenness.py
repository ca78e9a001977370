"""Whether what is behind the sheet goes evenly with it through a step, frame by frame.

What stands still is shifted in every frame by one share of the sheet's shift, however the hand goes, for both
are shifted by the phone alone. A screen that is carried along, or a picture slid on it, goes as somebody
else does: late, or now faster and now slower than the phone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from verification.measures.carried import turned_by
from verification.measures.nearness import between
from verification.measures.stepping import stepping_of

if TYPE_CHECKING:
    from verification.case import Case
    from verification.measures.flow import Tracks

MIDST = (0.15, 0.85)  # of the way


@dataclass(frozen=True, slots=True)
class Evenness:
    """How the background goes with the sheet.

    Attributes:
        off: the farthest that it is, in any frame, from where the share of them all puts it, as a share of
            the sheet's farthest shift.
        frames: in which both were found, the last not counted.
        inside: of these, those in the midst of the step: neither at its start nor at its end.
    """

    off: float
    frames: int
    inside: int


def evenness(case: Case, tracks: Tracks) -> Evenness | None:
    """From the end of the turns that were asked for to the last frame the sheet was found in, each against
    that; None where none shows both."""
    stepping = stepping_of(case, tracks)
    course, sheet = stepping.course, stepping.sheet
    if course is None or sheet is None:
        return None
    last, since = max(sheet.places), turned_by(case.evidence.session.pan, course, tracks)
    found = (between(stepping, tracks, k, last) for k in range(since, last))
    seen = [one for one in found if one is not None and np.isfinite(one.share)]
    if not seen:
        return None
    shares, shifts = np.array([one.share for one in seen]), np.array([one.sheet_px for one in seen])
    share = (shares * shifts**2).sum() / (shifts**2).sum()
    gone = shifts / shifts.max()
    inside = (gone > MIDST[0]) & (gone < MIDST[1])
    return Evenness(float((np.abs(shares - share) * gone).max()), len(seen), int(inside.sum()))
