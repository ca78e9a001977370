"""cuts: a video is one take: nothing was cut out, put in, shown twice or stopped.

Stops: takes joined by a cut or a dissolve, a short clip looped to the length asked for (forwards, or there
and back again), a clip held still.
How: every frame's thumbnail is compared with its neighbours and with all earlier ones (`measures.takes`), bit
for bit equal frames and waits between frames are counted.
Limits: a cut between two moments at which a still camera sees the same is no cut to be seen; nor is one
hidden in a fast swing or behind a hand before the lens. Recorders of browsers drop frames under load, and a
tripod before a still wall gives equal frames: these alone count little. A scene that has no texture says
nothing.
Figures (bench.video, simulated, 640 x 480, 15 frames/s, n = 8 takes of 5 s): cuts between scenes 8 of 8,
loops 8 of 8 either way, jumps within a take 5 of 8, dissolves of two thirds of a second 2 of 8; honest takes
called so 0 of 8.
Source: PySceneDetect (Castellano), AdaptiveDetector; dissolves as linear mixtures, Hampapur, Jain & Weymouth
1995.
"""

from __future__ import annotations

from verification.case import Case
from verification.evidence import Family, Json, Outcome, abstain, ok
from verification.measures.takes import Takes, takes
from verification.registry import check

STOPPED = 0.7  # seconds
GAP = 0.7
HELD = 0.9  # share of the film: all of it one picture is another matter (`motion`)


@check("cuts", family=Family.SPLICE, version="1", cost=1, kinds={"video"}, bounds=(-3.0, 0.2))
def cuts(case: Case) -> Outcome:
    """OK "one_take", "cut", "looped", "dissolve", "jump", "stopped" or "frames_missing"; abstains
    "no_film"."""
    film = case.film
    if film is None:
        return abstain("no_film")
    found = takes(film.times, film.thumbs)
    facts: dict[str, Json] = {
        "cuts": [*found.cuts[:10]],
        "jumps": [*found.jumps[:10]],
        "dissolves": [*found.dissolves[:10]],
        "frames": len(film.times),
        "repeats": len(film.repeats),
        "gap_s": round(found.gap, 3),
    }
    if found.loop is not None:
        begin, again, length = found.loop
        facts |= {"loop_s": [begin, again, length], "backwards": found.backwards}
    llr, reason = _worst(found, film.seconds, lamp=bool(case.evidence.session.torch))
    return ok(llr, reason, **facts)


def _worst(found: Takes, seconds: float, *, lamp: bool) -> tuple[float, str]:
    """Nats and reason. A lamp that is switched changes the picture at once, so jumps then say nothing."""
    said = [
        (-2.5 if len(found.cuts) < 3 else -3.0, "cut", bool(found.cuts)),
        (-2.5, "looped", found.loop is not None),
        (-2.0, "dissolve", bool(found.dissolves) and not lamp),
        (-1.5, "jump", bool(found.jumps) and not lamp),
        (-0.8, "stopped", STOPPED <= found.stopped < HELD * seconds),
        (-0.5, "frames_missing", found.gap >= GAP),
    ]
    return next(((llr, reason) for llr, reason, seen in said if seen), (0.1, "one_take"))
