"""Whether depth that a step shows may be believed: one step, of this phone, before what the photo shows.

What stands behind the sheet seems far where the paper is moved instead of the phone, a screen is carried
along, a print is let fall once the photo is taken, or the photo is cut out of a wider view. So each of these
is asked about, and the first doubt is the answer:

* the lens is about as long as phones' are: by a longer one turns look larger, and where few points tell of
  its length a turn that is left over looks like the shift of something far (`depth_unclear`);
* the sheet went as the phone felt itself go (`sheet_was_moved`, `step_not_felt`; `measures.carried`);
* by the phone's own way what is far is FAR_M away and more, or as much farther as the lens is longer: a
  screen that fills the view there is 2.5 m wide (`depth_unclear`);
* the photo shows the frames' view, and not a part of it (`photo_is_a_part`);
* the sheet, and the hand that is below it, leave something to be seen (`sheet_fills_view`);
* what the photo shows is still there in the last frame (`step_elsewhere`; `measures.staying`);
* what is far went evenly with the sheet (`step_uneven`; `measures.evenness`).

Figures (simulated, calibration split, on which the thresholds were set, from honest bursts): of the sheet's
way the phone's explains .81 and more in 59 of 59 (9 mm and more, without its line), and under .5 of 24 of 29
in which the paper was moved before a screen. What is far is at 2.5 m and more in 207 of 207 (of two posters,
1.7), a screen from which the paper was moved as the phone went at 0.9 to 1.5 m in 13 of 13: these were
reported families, so FAR_M has seen them. What is far was off by more than .05 of the sheet's shift in 3 of
104, a screen that went along .2 to .35 s late by .075 and more in 9 of 9. Turns looked .92 to 1.39 times as
large as by the usual lens in 120 of 120, 1.54 and more in 23 of 24 before a television at a zoom of 1.75 to
1.95. The photo covers .99 and more of its frame, sheet and hand cover .44 of the picture in 95 of 100, fitted
lenses are .6 to .9 long sides (68 bursts). Of what can be told .7 and more is still there in 137 of 138,
measured before the photo's frame had to lie before the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from verification.measures.carried import carried
from verification.measures.evenness import evenness
from verification.measures.flow import FOCAL
from verification.measures.nearness import fine
from verification.measures.placing import photo_in_frame
from verification.measures.staying import staying
from verification.measures.stepping import stepping_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verification.case import Case
    from verification.evidence import Json
    from verification.measures.flow import Tracks

LENSES = (0.75, 1.4)  # in usual ones, of which depth is told
PART = 0.7  # of its frame the photo shows
COVERED = 0.55  # most of the picture that may be the sheet and what holds it
FELT = 0.8  # of the sheet's way explained by the phone's, from which the phone was carried
MOVED = 0.5  # below: the sheet was
ASTRAY = 0.2  # of the sheet's shift: in the frame that depth is read in it is where the phone's way puts it
FELT_M, NEAREST_M = 0.007, 0.15  # least way (without its line) that explains, and distance of a sheet
FAR_M = 2.0  # metres from which a background is far, by a lens of FOCAL
SHARE = 0.01  # of the sheet's shift: less is not told from none
TOLD, STILL = 0.1, 0.75  # share of the picture that can be told; of that what is still there at last,
STILL_LAYERED = 0.7  # and where it has depth, whose edges cannot be followed,
DEPTHS = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9)  # at any of these shares
FRAMES, UNEVEN = 3, 0.05  # least, one in the step's midst; how far off (of the sheet's shift) far may be


@dataclass(frozen=True, slots=True)
class Step:
    """What speaks against a step.

    Attributes:
        doubt: reason code; "" for none.
        facts: what was measured until then.
    """

    doubt: str
    facts: dict[str, Json]


def step_taken(case: Case, tracks: Tracks, share: float, *, far: bool) -> Step:
    """The first doubt about a step; `share`: the background's, of the sheet's shift; `far`: all of it is."""
    facts: dict[str, Json] = {}
    for doubt, more in _asked(case, tracks, share, far):
        facts |= more
        if doubt:
            return Step(doubt, facts)
    return Step("", facts)


def _asked(case: Case, tracks: Tracks, share: float, far: bool) -> Iterator[tuple[str, dict[str, Json]]]:
    yield _lens(case, tracks)
    yield _carried(case, tracks, share, far)
    yield _whole(case)
    yield _open(case, tracks)
    yield _stayed(case, tracks, share, far)
    if far:
        yield _even(case, tracks)


def _lens(case: Case, tracks: Tracks) -> tuple[str, dict[str, Json]]:
    course = stepping_of(case, tracks).course
    if course is None or LENSES[0] <= course.lens <= LENSES[1]:
        return "", {}
    return "depth_unclear", {"lens": round(course.lens, 2)}


def _whole(case: Case) -> tuple[str, dict[str, Json]]:
    part = photo_in_frame(case)
    if part is None:
        return "photo_is_a_part", {}
    return "" if part >= PART else "photo_is_a_part", {"part": round(part, 2)}


def _open(case: Case, tracks: Tracks) -> tuple[str, dict[str, Json]]:
    stepping = stepping_of(case, tracks)
    if stepping.sheet is None:
        return "sheet_fills_view", {}
    covered = 1 - float(fine(tracks, stepping, stepping.sheet.frame)[1].mean())
    return "sheet_fills_view" if covered > COVERED else "", {"covered": round(covered, 2)}


def _carried(case: Case, tracks: Tracks, share: float, far: bool) -> tuple[str, dict[str, Json]]:
    way = carried(case, tracks)
    if way is None:
        return "step_not_felt", {}
    known = np.isfinite(way.away_m)
    away_m = way.away_m / max(share, SHARE)
    facts: dict[str, Json] = {
        "explained": round(way.explained, 2),
        "sheet_m": round(way.away_m, 2) if known else None,
        "background_m": round(away_m, 1) if known else None,
        "felt_m": round(way.felt_m, 4),
        "astray": round(way.astray, 2),
        "focal": round(way.focal, 2),
    }
    if way.explained < MOVED:
        return "sheet_was_moved", facts
    if way.explained < FELT or way.astray > ASTRAY or way.felt_m < FELT_M or way.away_m < NEAREST_M:
        return "step_not_felt", facts
    near = far and away_m < FAR_M * max(1.0, way.focal / FOCAL)
    return "depth_unclear" if near else "", facts


def _stayed(case: Case, tracks: Tracks, share: float, far: bool) -> tuple[str, dict[str, Json]]:
    shares, least = ((share,), STILL) if far else ((share, *DEPTHS), STILL_LAYERED)
    stays = staying(case, tracks, shares, least)
    if stays is None:
        return "step_elsewhere", {}
    gone = stays.told < TOLD or stays.still < least
    return "step_elsewhere" if gone else "", {"told": round(stays.told, 2), "still": round(stays.still, 2)}


def _even(case: Case, tracks: Tracks) -> tuple[str, dict[str, Json]]:
    even = evenness(case, tracks)
    if even is None:
        return "step_uneven", {}
    uneven = even.frames < FRAMES or not even.inside or even.off > UNEVEN
    facts: dict[str, Json] = {"uneven": round(even.off, 3), "frames": even.frames, "inside": even.inside}
    return "step_uneven" if uneven else "", facts
