"""sheet_depth: the sheet with the code stands before its background, and does not lie in the same picture.

Stops: the code drawn or pasted into a still, a clip or a picture on a screen, whatever care was taken with
its look: all of one flat picture turns and shifts as one, while a sheet at arm's length shifts against what
is behind it as soon as the phone is moved aside, or swings about a wrist or a body.
How: the sheet is followed by its writing from frame to frame (`measures.stepping`); its distance from where
the plane of the background would put it is parallax (`measures.nearness`).
Limits: a true sheet held before a screen stands out as it does before a scene, so that is worth little; the
background's own depth is another check's. A sheet that lies on the surface that fills the picture is honestly
part of it, and so are walls it is pinned to. A scene rendered in layers in real time passes.
Source: Hartley & Zisserman, Multiple View Geometry, 2004, chapter 13 (parallax beside a plane).
"""

from __future__ import annotations

import numpy as np

from verification.case import Case
from verification.evidence import Family, Outcome, abstain, ok
from verification.measures.flow import tracks_of
from verification.measures.nearness import LEAST_PX, Nearness, nearness
from verification.measures.stepping import stepping_of
from verification.measures.strokes import parted
from verification.registry import check

SWING = 0.12  # radians, where the sheet was not shifted: less shifts nothing that can be told from noise
STANDS_OUT, OUT_SHARE = 7.0, 0.1  # pixels at a long side of 480, and share of the sheet's shift
LIES_IN, IN_SHARE = 3.5, 0.05


@check(
    "sheet_depth", family=Family.BELONGING, version="5", cost=2, kinds={"photo", "video"}, bounds=(-5.0, 0.3)
)
def sheet_depth(case: Case) -> Outcome:
    """OK "sheet_stands_out" or "sheet_lies_in_the_picture"; abstains "no_code_in_burst", "no_gyroscope",
    "no_swing" or "sheet_unclear"."""
    tracks = tracks_of(case)
    stepping = None if tracks is None or case.code_box is None else stepping_of(case, tracks)
    if stepping is not None and stepping.course is None:
        return abstain("no_gyroscope")
    if tracks is None or stepping is None or stepping.sheet is None:
        return abstain("no_code_in_burst")
    aside = bool(parted(case.evidence.session.pan)[1])
    shown = [one for one in nearness(case, tracks) if aside or _swung(one)]
    if not shown:
        return abstain("no_swing" if len(stepping.sheet.places) > 1 else "sheet_unclear")
    return _judged(shown)


def _judged(shown: list[Nearness]) -> Outcome:
    """What the pairs of frames say in most of which the sheet is one way."""
    apart = np.array([one.apart_px for one in shown])
    moved = np.array([one.sheet_px for one in shown])
    facts = {"apart_px": round(float(np.median(apart)), 1), "frames": len(shown)}
    if (apart - np.maximum(STANDS_OUT, OUT_SHARE * moved) >= 0).mean() > 0.5:
        return ok(0.3, "sheet_stands_out", **facts)
    if (apart - np.maximum(LIES_IN, IN_SHARE * moved) <= 0).mean() > 0.5:
        return ok(-5.0, "sheet_lies_in_the_picture", **facts)
    return abstain("sheet_unclear", **facts)


def _swung(one: Nearness) -> bool:
    return one.turned >= SWING or one.sheet_px >= LEAST_PX
