"""sheet: the code belongs to the scene: its edges, its grain, its shading, and how it moves.

Stops: a code drawn by program into an old picture or into every frame of a clip.
How: where the challenge check saw the code (`case.code_box`), the paper is compared with the scene
(`measures.lettering`): ink edges no sharper than the scene's sharpest, grain as in smooth places
as bright, paper not of one even brightness. In the burst the sheet must be one plane and move when the
view does: a code that stands still on the screen while the scene moves is laid over it.
Figures (simulated, 24 photographs, sheet of the simulated camera against paper warped in after the
camera, 1280 x 960): grain honest -2.04..0.10, pasted -5.5..-3.3; shading honest .007 and more, pasted
.000; edges honest -.37..+.06, pasted sharp -.63..-.19, pasted softened as honest.
Limits: who adds fitting noise, shading and blur passes the still's measures. Video that compresses
grain away makes them coarse. It speaks only where the code was read.
"""

from __future__ import annotations

import numpy as np

from verification.case import Case, Doubles
from verification.evidence import Family, Json, Outcome, abstain, ok
from verification.measures.flow import Tracks, homography, tracks_of
from verification.measures.lettering import Lettering, measure
from verification.measures.placing import code_in_frame, grown, inside
from verification.registry import check

CLEAN = -2.4  # log grain: cleaner paper than this is painted
SHARP = -0.5  # log width: sharper ink than this was not seen through the lens
EVEN = 0.003  # share: paper lit more evenly than this is filled with one colour
GLUED_PX = 0.35  # a code that moves less than this, at a long side of 480,
MOVED_PX = 3.0  # while the scene moves more than this, is laid over the picture
RIGID = 0.6  # share of the sheet's points on one plane


@check("sheet", family=Family.BELONGING, version="1", cost=2, kinds={"photo", "video"}, bounds=(-4.0, 0.5))
def sheet(case: Case) -> Outcome:
    """OK "code_belongs", "code_pasted" or "code_glued"; abstains "no_code_seen" or "code_unmeasured"."""
    if case.picture is None or case.code_box is None:
        return abstain("no_code_seen")
    seen = measure(case.picture.rgb, case.code_box)
    facts: dict[str, Json] = {
        "edges": _short(seen.edges),
        "grain": _short(seen.grain),
        "shading": _short(seen.shading),
    }
    tracks = tracks_of(case)
    moves = None if tracks is None else _moves(case, tracks)
    if moves is not None:
        facts |= {"code_px": round(moves[0], 2), "scene_px": round(moves[1], 2), "rigid": round(moves[2], 2)}
        if moves[0] < GLUED_PX and moves[1] > MOVED_PX:
            return ok(-3.5, "code_glued", **facts)
    against = suspicion(seen) + (0.7 if moves is not None and moves[2] < RIGID else 0.0)
    if against > 0:
        return ok(-against, "code_pasted", **facts)
    if seen.grain is None and seen.edges is None:
        return abstain("code_unmeasured", **facts)
    return ok(0.5 if moves is not None else 0.3, "code_belongs", **facts)


def suspicion(seen: Lettering) -> float:
    """Nats against, summed over what lies beyond the honest range."""
    painted = 0.0 if seen.grain is None or seen.grain >= CLEAN else min(2.0, 1.2 + (CLEAN - seen.grain))
    sharp = 0.0 if seen.edges is None or seen.edges >= SHARP else min(1.2, 0.6 + 3 * (SHARP - seen.edges))
    even = 0.0 if seen.shading is None or seen.shading >= EVEN else 1.0
    return painted + sharp + even


def _moves(case: Case, tracks: Tracks) -> tuple[float, float, float] | None:
    """How far the code's points and the scene's moved at most (median pixels of 480), and the share of
    the code's points that stay on one plane; None where it cannot be followed."""
    found = code_in_frame(case, tracks)
    if found is None:
        return None
    frame, box = found
    on_sheet, scene = grown(box, 1.2, 1.5), grown(box, 1.9, 3.2)
    most: list[tuple[float, float, float]] = []
    for k in range(len(tracks.t)):
        here, there, _ = tracks.common(frame, k)
        on, off = inside(on_sheet, here), ~inside(scene, here)
        if k == frame or on.sum() < 6 or off.sum() < 20:
            continue
        away = np.linalg.norm(there - here, axis=1)
        most.append((float(np.median(away[on])), float(np.median(away[off])), _rigid(here[on], there[on])))
    if not most:
        return None
    farthest = max(most, key=lambda one: one[1])
    return farthest[0], farthest[1], float(np.median([one[2] for one in most]))


def _rigid(here: Doubles, there: Doubles) -> float:
    plane, on = homography(here, there, 1.0)
    return 1.0 if plane is None else float(on.mean())


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
