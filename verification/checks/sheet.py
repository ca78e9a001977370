"""sheet: the code belongs to the scene: its edges, its grain, its shading, and how it moves.

Stops: a code drawn by program into an old picture or into every frame of a clip.
How: where the challenge check saw the code (`case.code_box`), the paper is compared with the scene
(`measures.lettering`). Painted is paper with less grain than the scene's smoothest places; drawn in is ink
both sharper than the scene and as sharp as a step between two pixels; filled is paper of one even brightness.
Paper cleaner than places as bright (before leaves, where none is smooth), ink sharper than a soft scene, or
points of the sheet that stray are odd, and each alone counts little. In the burst the sheet must
move when the view does: a code that stands still on the screen while the scene moves is laid over it, whether
its points can be followed or only its picture (`measures.sticking`), where the photo has it or where the
photo's place in the burst says. Where turns were asked, one that plainly stays is proof: what was asked for
is not in the scene.
Figures (simulated, calibration families, 1024 x 768): log grain over the smoothest place, true sheets -1.37
and more (n = 232), typed over each frame -2.56 and less (n = 11); ink, true sheets 2.64 pixels and more
(n = 227), typed into a still 2.28 to 2.49 (n = 42); shading, true sheets .006 and more (n = 232), typed over
each frame under .003 in 8 of 11. Of 232 true sheets 3 have less grain than CLEAN, 10 sharper ink than SHARP.
At its own place where the scene moves (calibration photographs): a code laid over correlates at .68 or more
(n = 44), a sheet in the scene at .37 or less (n = 136).
Limits: no real phone's ink was measured; one that sharpens much may reach STEP, but then so does the scene. A
sheet fixed to the phone is taken for one laid over. Who adds fitting noise, shading and blur
passes the still's measures. Video that compresses grain away makes them coarse. It speaks only where the
code was read.
"""

from __future__ import annotations

import numpy as np

from verification.case import Case, Doubles
from verification.evidence import Family, Json, Outcome, abstain, hard_fail, ok
from verification.measures.flow import Tracks, homography, tracks_of
from verification.measures.lettering import Lettering, measure
from verification.measures.placing import code_in_frame, grown, inside
from verification.measures.sticking import Sticking, sticking
from verification.registry import check

CLEAN = -2.4  # log grain: paper so much cleaner than places as bright is painted, or they are all texture;
CLEANEST = -1.8  # log: so much cleaner than the smoothest place of all, it is painted
SHARP = -0.5  # log width: ink so much sharper than the scene is drawn in, or the scene is blurred;
STEP, SHARPER = 2.5, -0.2  # pixels, log width: so sharp in itself, and sharper than the scene, it is drawn in
EVEN = 0.003  # share: paper lit more evenly than this is filled with one colour
WEAK = 0.3  # nats of a measure that has an honest reason too: none of them alone is proof
GLUED = 4.0  # nats against a code that is laid over the picture
GLUED_PX = 0.35  # a code that moves less than this, at a long side of 480,
MOVED_PX = 3.0  # while the scene moves more than this, is laid over the picture
STUCK = 0.6  # so does one that is like itself at its own place,
STAYED = 0.8  # and nowhere near by more so in this share of the frames
SURE = 0.9  # of both is sure,
SURE_PAIRS = 5  # in so many pairs of frames of a phone that had to be turned
ONE_SHAPE = 0.03  # photo and frames differ in shape by less: they show one view
RIGID = 0.6  # share of the sheet's points on one plane


@check("sheet", family=Family.BELONGING, version="4", cost=2, kinds={"photo", "video"}, bounds=(-4.0, 0.5))
def sheet(case: Case) -> Outcome:
    """OK "code_belongs", "code_odd", "code_pasted" or "code_glued"; hard-fails "code_glued" where turns were
    asked; abstains "no_code_seen" or "code_unmeasured"."""
    if case.picture is None or case.code_box is None:
        return abstain("no_code_seen")
    seen = measure(case.picture.rgb, case.code_box)
    facts: dict[str, Json] = {
        "edges": _short(seen.edges),
        "ink": _short(seen.ink),
        "grain": _short(seen.grain),
        "clean": _short(seen.clean),
        "shading": _short(seen.shading),
    }
    tracks = tracks_of(case)
    stuck = None if tracks is None else _stuck(case, tracks)
    if stuck is not None:
        facts |= {"stuck": round(stuck.likeness, 2), "stayed": round(stuck.stayed, 2)}
    moves = None if tracks is None else _moves(case, tracks)
    if moves is not None:
        facts |= {"code_px": round(moves[0], 2), "scene_px": round(moves[1], 2), "rigid": round(moves[2], 2)}
    if stuck is not None and case.evidence.session.pan and surely(stuck):
        return hard_fail("code_glued", **facts)
    if _glued(stuck, moves):
        return ok(-GLUED, "code_glued", **facts)
    against = suspicion(seen) + (WEAK if moves is not None and moves[2] < RIGID else 0.0)
    if against > 0:
        return ok(-against, "code_pasted" if against > WEAK else "code_odd", **facts)
    if seen.grain is None and seen.clean is None and seen.edges is None:
        return abstain("code_unmeasured", **facts)
    return ok(0.5 if moves is not None else 0.3, "code_belongs", **facts)


def surely(stuck: Sticking) -> bool:
    """The code stays so plainly that it is not in the scene."""
    return stuck.pairs >= SURE_PAIRS and min(stuck.likeness, stuck.stayed) >= SURE


def _glued(stuck: Sticking | None, moves: tuple[float, float, float] | None) -> bool:
    pictured = stuck is not None and stuck.likeness >= STUCK and stuck.stayed >= STAYED
    return pictured or (moves is not None and moves[0] < GLUED_PX and moves[1] > MOVED_PX)


def suspicion(seen: Lettering) -> float:
    """Nats against, summed over what lies beyond the honest range; what lies beyond it for an honest reason
    too, by one measure, counts WEAK."""
    return _painted(seen) + _drawn(seen) + (1.0 if seen.shading is not None and seen.shading < EVEN else 0.0)


def _painted(seen: Lettering) -> float:
    if seen.clean is not None and seen.clean < CLEANEST:
        return min(2.0, 1.2 + (CLEANEST - seen.clean))
    return WEAK if seen.grain is not None and seen.grain < CLEAN else 0.0


def _drawn(seen: Lettering) -> float:
    if seen.edges is None:
        return 0.0
    if seen.ink is not None and seen.ink < STEP and seen.edges < SHARPER:
        return min(1.2, 0.6 + (SHARPER - seen.edges))
    return WEAK if seen.edges < SHARP else 0.0


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


def _stuck(case: Case, tracks: Tracks) -> Sticking | None:
    """How the code's picture stays where the photo has it, or where it lies in the burst: the more stuck."""
    places = [] if (mapped := code_in_frame(case, tracks)) is None else [mapped]
    if case.picture is not None and case.code_box is not None:
        height, width = case.picture.rgb.shape[:2]
        zoom = np.array(tracks.size) / (width, height)
        if abs(zoom[0] / zoom[1] - 1) < ONE_SHAPE:
            frame = case.placed.frame if case.placed is not None else 0
            places.append((frame, case.code_box * zoom))
    found = [one for place in places if (one := sticking(tracks, *place)) is not None]
    return max(found, key=lambda one: one.likeness, default=None)


def _rigid(here: Doubles, there: Doubles) -> float:
    plane, on = homography(here, there, 1.0)
    return 1.0 if plane is None else float(on.mean())


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
