"""What is remembered of a film beside its key picture: some of its quiet moments, so that a part cut out
of it is known again.

Kept beside `verification.memory`, and in its transactions. In RAM a picture stands under its film's order and
its own number in one integer, which keeps the index's rising order.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from sqlalchemy import select

from core.db import Database
from core.storage import Storage
from verification.film import Film, evenly
from verification.matching import pdq
from verification.matching.hash_index import HashIndex
from verification.matching.registration import Eyes, Look, look
from verification.picture import Pixels
from verification.tables import RememberedMoment

KEPT = 12  # of a film's 40 quiet moments at most: some 0.6 MB and 0.1 s each
_PLACES = 64  # numbers a film's pictures have


def moments_of(film: Film) -> tuple[Pixels, ...]:
    """The pictures of a film that are remembered beside its key."""
    return tuple(rgb for _, rgb in evenly(film.stills, KEPT))


class Moments:
    """The remembered moments of all films. Safe between threads."""

    def __init__(self, database: Database, storage: Storage, eyes: Eyes) -> None:
        self._database, self._storage, self._eyes = database, storage, eyes
        self._index = HashIndex()
        self._lock = threading.Lock()

    def rows(self, capture: str, order: int, pictures: Sequence[Pixels]) -> list[RememberedMoment]:
        """The rows of a film's pictures, numbered from 1; their looks are sealed already."""
        return [
            RememberedMoment(
                capture=capture,
                picture=number,
                order=order,
                hashes=pdq.index_views(rgb).astype("<u8").tobytes(),
                look=self._storage.seal(look(rgb, self._eyes).pack(), "looks"),
            )
            for number, rgb in enumerate(pictures[: _PLACES - 1], start=1)
        ]

    def look_of(self, capture: str, picture: int) -> Look | None:
        """What a moment looks like; None where there is none of that number.

        Raises:
            core.errors.NotFound: the stored look is lost or damaged.
        """
        with self._database.reading() as session:
            row = session.get(RememberedMoment, (capture, picture))
            name = row.look if row is not None else None
        return Look.unpack(self._storage.unseal(name, "looks")) if name is not None else None

    def nearest(self, views: pdq.Hashes, before_order: int, limit: int) -> list[tuple[int, int, int, int]]:
        """(distance, order, picture, way) of the moments of earlier films that come closest, closest first.

        All films below `before_order` are remembered by now (see `memory`).
        """
        below = before_order * _PLACES
        with self._lock:
            if below > self._index.complete_below:
                self._index.add(self._since(self._index.complete_below // _PLACES, before_order), below)
            earlier = self._index.below(below)
        return [(far, *divmod(key, _PLACES), way) for key, far, way in earlier.search(views, limit)]

    def _since(self, order: int, before_order: int) -> list[tuple[int, bytes]]:
        moment = RememberedMoment
        chosen = (
            select(moment.order, moment.picture, moment.hashes)
            .where(moment.order >= order, moment.order < before_order)
            .order_by(moment.order, moment.picture)
        )
        with self._database.reading() as session:
            return [(at * _PLACES + number, hashes) for at, number, hashes in session.execute(chosen)]
