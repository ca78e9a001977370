"""Pictures of two films lie on each other: one take, or two of one thing?

The second leg of a proof beside the map, for films, whose noise their encoding has taken. Two takes of a flat
thing, or of far hills, lie on each other, too, but each pair of their pictures in its own way, for a hand is
never still; a copy lies on its original in one way throughout. So proof are two pairs of pictures under one
map, between which the camera moved. What a camera that stood still filmed is nobody's proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from verification.matching.comparison import Comparison
from verification.matching.registration import Eyes, Look, compare

AGREE_PX = 2.0  # of a Look: how far one map may lead the corners from where the other does


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """A film's picture that lies on an earlier film's.

    Attributes:
        own / picture: which picture of the film, and which of the earlier one.
        look: of the own one, turned `way` (`pdq.turn`). found: how it lies; with a map.
    """

    own: int
    picture: int
    way: int
    look: Look
    found: Comparison


def one_take(new: Laid, before: Sequence[Laid], eyes: Eyes) -> bool:
    """Whether another pair of the same two films lies as `new` does, the camera having moved between them."""
    return any(_as_one(new, other) and not _still(new, other, eyes) for other in before)


def _as_one(one: Laid, other: Laid) -> bool:
    if one.way != other.way or one.own == other.own or one.picture == other.picture:
        return False
    height, width = one.look.rgb.shape[:2]
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], np.float64)
    led = [corners @ np.array(laid.found.matrix).reshape(3, 3).T for laid in (one, other)]
    first, second = (points[:, :2] / points[:, 2:] for points in led)
    return bool(np.linalg.norm(first - second, axis=1).max() <= AGREE_PX)


def _still(one: Laid, other: Laid, eyes: Eyes) -> bool:
    """Whether both pictures of the film show the same corner on corner."""
    return compare(one.look, other.look, eyes).framed
