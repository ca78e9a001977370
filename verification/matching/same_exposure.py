"""Two pictures lie on each other: one exposure, or two of one flat thing?

The second leg of a proof beside the map: the noise (`matching.residue`) and the light. Where the
homography of few matches hides the noise that a copy shares, the affine map that a copy has may show it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np

from verification.matching import pdq
from verification.matching.comparison import Comparison
from verification.matching.registration import (
    FINE,
    LONG_SIDE,
    Floats,
    Look,
    Matrix,
    aligned,
    brought,
    fitted,
    placed,
)
from verification.matching.residue import Reading, read


def grained(found: Comparison, noise: Floats, way: int, picture: Look, earlier: Look) -> Comparison:
    """The comparison with what noise and light say.

    Args:
        noise: `residue.fine` of the picture as it came.
        way: how `picture`, its Look, is turned (`pdq.turn`).
    """
    kept, sizes = earlier.residue, (picture.rgb.shape[:2], earlier.rgb.shape[:2])
    if kept is None:
        return replace(found, grain=Reading())
    turned = np.ascontiguousarray(pdq.turn(noise, way % pdq.NEGATIVE))

    def seen(under: Comparison) -> Comparison:
        grain = read(turned, kept, np.array(under.matrix).reshape(3, 3), sizes)
        return replace(under, grain=grain, framed=under.framed and way == 0)  # no fixed camera turns pictures

    found = replace(found, light=lit_apart(found, picture, earlier))
    first = seen(found)
    if first.copy:
        return first
    best = first
    for one in map(seen, straightened(found, picture, earlier)):
        if one.sure:
            return one
        best = max(best, one, key=_shared)
    return best


def _shared(found: Comparison) -> float:
    """The correlation of noise that is shared; nothing of other noise, so that the first is kept."""
    return found.grain.correlation if found.grain is not None and found.shares else 0.0


def lit_apart(found: Comparison, picture: Look, earlier: Look) -> float:
    """How far apart the two are in brightness where one lies on the other, grey levels (median)."""
    matrix = np.array(found.matrix).reshape(3, 3)
    warped, inside = brought(earlier.grey, matrix, picture.rgb.shape)
    here, there = (cv2.GaussianBlur(grey, (0, 0), 4).astype(np.float32) for grey in (picture.grey, warped))
    return float(np.median(np.abs(here - there)[inside > 0])) if inside.any() else 255.0


def straightened(found: Comparison, picture: Look, earlier: Look) -> Iterator[Comparison]:
    """The comparison under affine maps, whatever the homography was: those of most matches, then refined."""
    grey, before = picture.grey, earlier.grey
    near = fitted(np.array(found.matrix).reshape(3, 3), grey.shape, before.shape)
    maps: list[Matrix] = [np.array(flat).reshape(3, 3) for flat in found.flat]
    for matrix in maps:
        yield placed(found, matrix, grey.shape, before.shape)
    if not maps and near is not None:
        maps = [np.vstack([near[0].T, [0.0, 0.0, 1.0]])]
    if maps and found.telling:
        blur = FINE * max(1.0, LONG_SIDE / min(picture.source, earlier.source))
        fine = aligned(grey, before, maps[-1], blur, flat=True)
        yield placed(found, fine, grey.shape, before.shape)
