"""The hashes of all remembered pictures in RAM, and the search among them.

A search is exact: faiss (https://github.com/facebookresearch/faiss, MIT) counts the bits in which every hash
differs from every view sought (see `pdq.query_views`), on one thread. 640 bytes a picture; the cost grows
with their number. Figures: bench/hash_index.py.

Rows are only ever added behind the last one, so a search reads a snapshot without holding a lock while
others add.
"""

from __future__ import annotations

from dataclasses import dataclass

import faiss
import numpy as np
import numpy.typing as npt

from verification.matching import pdq

FAR = 100  # bits of 256: unrelated pictures seldom come closer than 84 over all views

Words = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The pictures below some order.

    Attributes:
        orders: int64[n], rising.
        words: uint64[n * VIEWS, 4].
    """

    orders: Numbers
    words: Words

    def search(self, views: Words, limit: int) -> list[tuple[int, int, int]]:
        """(order, distance, way) of the closest pictures within FAR bits, closest first, then oldest.

        Args:
            views: uint64[16, k, 4] from `pdq.query_views`.
        """
        # As many hashes a view as `limit` pictures have, for they may all be of the same few.
        kept = min(limit * pdq.VIEWS, len(self.words))
        if kept == 0:
            return []
        faiss.omp_set_num_threads(1)  # of this thread: workers are as many as there are cores
        apart, rows = faiss.knn_hamming(_octets(views.reshape(-1, 4)), _octets(self.words), kept)
        ways = np.repeat(np.arange(len(views)), views.shape[1])[:, None]
        near = apart <= FAR
        distances, pictures = apart[near].astype(np.int64), rows[near] // pdq.VIEWS
        ways = np.broadcast_to(ways, apart.shape)[near]
        closest = np.lexsort((ways, pictures, distances))
        _, first = np.unique(pictures[closest], return_index=True)
        chosen = closest[np.sort(first)][:limit]
        return [(int(self.orders[pictures[i]]), int(distances[i]), int(ways[i])) for i in chosen]


def _octets(hashes: Words) -> npt.NDArray[np.uint8]:
    """The same bits as uint8[n, 32]."""
    return np.ascontiguousarray(hashes).view(np.uint8)


class HashIndex:
    """Hashes by rising order. Adding and taking snapshots want one caller at a time; searching does not.

    Attributes:
        complete_below: every picture of an order below this is in.
    """

    def __init__(self) -> None:
        self.complete_below = 0
        self._count = 0
        self._orders: Numbers = np.zeros(0, dtype=np.int64)
        self._words: Words = np.zeros((0, 4), dtype=np.uint64)

    def add(self, rows: list[tuple[int, bytes]], below: int) -> None:
        """Adds pictures of rising orders >= complete_below; room grows by half, so adding stays cheap."""
        needed = self._count + len(rows)
        if needed > len(self._orders):
            self._grow(max(needed, len(self._orders) * 3 // 2, 64))
        if rows:
            hashes = np.frombuffer(b"".join(data for _, data in rows), dtype="<u8").reshape(-1, 4)
            self._words[self._count * pdq.VIEWS : needed * pdq.VIEWS] = hashes
            self._orders[self._count : needed] = [order for order, _ in rows]
        self._count = needed
        self.complete_below = below

    def below(self, order: int) -> Snapshot:
        """The pictures of smaller orders, as they are now."""
        count = int(np.searchsorted(self._orders[: self._count], order))
        rows = count * pdq.VIEWS
        return Snapshot(self._orders[:count], self._words[:rows])

    def _grow(self, room: int) -> None:
        orders = np.zeros(room, dtype=np.int64)
        words = np.zeros((room * pdq.VIEWS, 4), dtype=np.uint64)
        held = self._count * pdq.VIEWS
        orders[: self._count], words[:held] = self._orders[: self._count], self._words[:held]
        self._orders, self._words = orders, words
