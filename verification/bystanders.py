"""Who must not be shown: faces, which are veiled in what a picture's buyer receives (`plates` names plates).

A face is widened before it is veiled, for hair and jaw tell a person apart, and a detector's box is tight.
Limits: a head seen from behind, a tattoo, a walk or a uniform is not veiled; a face that the net misses is
shown (docs/performance.md says how many are).
"""

from __future__ import annotations

from collections.abc import Sequence

from verification.case import Engine
from verification.film import Film
from verification.following import Reel
from verification.picture import Pixels
from verification.tracks import Area, Tracks, linked, veils

WIDER = 0.25  # of a face's width and height, to each side
NEAR = 0.16  # seconds from a quiet moment of a film, which is larger, within which nobody looks


def areas(rgb: Pixels, engine: Engine) -> tuple[Area, ...]:
    """Left, top, right and bottom, 0..1 of uint8[h, w, 3]; each is veiled as an ellipse."""
    height, width = rgb.shape[:2]
    found: list[Area] = []
    for left, top, right, bottom, _ in engine.faces(rgb).tolist():
        x, y = WIDER * (right - left), WIDER * (bottom - top)
        at = ((left - x) / width, (top - y) / height, (right + x) / width, (bottom + y) / height)
        if not _told(at, found):
            found.append(at)
    return tuple(found)


def over_time(film: Film, engine: Engine) -> Tracks:
    """The veils of each face in a film: sought in its quiet moments, and in the even pictures that are not
    NEAR one, and followed from there."""
    quiet = [*film.stills, (film.key_time, film.key.rgb)]
    even = [(t, rgb) for t, rgb in film.frames if all(abs(t - moment) > NEAR for moment, _ in quiet)]
    looks = [(t, areas(rgb, engine)) for t, rgb in (*even, *quiet)]
    reel, times = Reel([*film.frames, *quiet]), sorted({t for t, _ in looks})
    return tuple(tuple(veils(reel.followed(seen), times, film.seconds)) for seen in linked(looks))


def _told(area: Area, others: Sequence[Area]) -> bool:
    """Whether it is nearly one of the others."""
    return any(max(abs(a - b) for a, b in zip(area, other, strict=True)) < 0.01 for other in others)
