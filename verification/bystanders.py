"""Who must not be shown: faces, which are veiled in what a picture's buyer receives (`plates` names plates).

A face is widened before it is veiled, for hair and jaw tell a person apart, and a detector's box is tight.
Limits: a head seen from behind, a tattoo, a walk or a uniform is not veiled; a face that the net misses is
shown (docs/performance.md says how many are).
"""

from __future__ import annotations

from collections.abc import Sequence

from verification.case import Engine
from verification.film import Film
from verification.picture import Pixels
from verification.tracks import Area, Veil, tracks

WIDER = 0.25  # of a face's width and height, to each side


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


def over_time(film: Film, engine: Engine) -> tuple[tuple[Veil, ...], ...]:
    """The veils of each face in a film: sought in all pictures of it that were kept."""
    seen = (*film.frames, *film.stills, (film.key_time, film.key.rgb))
    return tracks([(t, areas(rgb, engine)) for t, rgb in seen], film.seconds)


def _told(area: Area, others: Sequence[Area]) -> bool:
    """Whether it is nearly one of the others."""
    return any(max(abs(a - b) for a, b in zip(area, other, strict=True)) < 0.01 for other in others)
