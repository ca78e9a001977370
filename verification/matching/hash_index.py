"""The hashes of all remembered pictures in RAM, and the search among them.

A search compares every hash with every view sought (see `pdq.query_views`) by the 64 lowest of its 256
frequencies, which a crop, a turn or a re-encoding changes least: one XOR and one count a hash, in blocks
that stay in the processor's cache. Where there are many, only pairs that agree there within COARSE bits
are compared whole: of six pictures with words across them 16 bits would lose four, 22 one. A negative is
found in the same pass, for it has every bit reversed. 800 bytes a picture; the cost grows with their
number. Figures, beside exact search and faiss: bench/hash_index.py.

Rows are only ever added behind the last one, so a search reads a snapshot without holding a lock while
others add.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from verification.matching import pdq

FAR = 100  # bits of 256: unrelated pictures seldom come closer than 84 over all views
COARSE = 22  # bits of the 64 lowest frequencies
EXACT = (
    200_000  # hashes up to which all are compared whole: words across a picture change its low frequencies
)
_BLOCK = 32_768  # hashes: their low words are 256 KB
_LOW = [0, 2, 4, 6, 8, 10, 12, 14]  # the bytes of a hash that hold rows 0..7, columns 0..7

Words = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]


def low(hashes: Words) -> Words:
    """The 8 x 8 lowest frequencies of uint64[..., 4] as uint64[...]."""
    octets = np.ascontiguousarray(hashes.astype("<u8")).view(np.uint8)[..., _LOW]
    return np.ascontiguousarray(octets).view("<u8")[..., 0].astype(np.uint64)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The pictures below some order.

    Attributes:
        orders: int64[n], rising.
        words / lows: uint64[n * VIEWS, 4], and their `low`.
    """

    orders: Numbers
    words: Words
    lows: Words

    def search(self, views: Words, limit: int) -> list[tuple[int, int, int]]:
        """(order, distance, way) of the closest pictures within FAR bits, closest first, then oldest.

        Args:
            views: uint64[16, k, 4] from `pdq.query_views`.
        """
        found = [
            self._near(views, way, code) for way in range(pdq.NEGATIVE) for code in range(views.shape[1])
        ]
        distances, rows, ways = (np.concatenate(part) for part in zip(*found, strict=True))
        pictures = rows // pdq.VIEWS
        closest = np.lexsort((ways, pictures, distances))
        _, first = np.unique(pictures[closest], return_index=True)
        chosen = closest[np.sort(first)][:limit]
        return [(int(self.orders[pictures[i]]), int(distances[i]), int(ways[i])) for i in chosen]

    def _near(self, views: Words, way: int, code: int) -> tuple[Numbers, Numbers, Numbers]:
        """Distances, rows and ways of hashes within FAR of one view or of its negative."""
        sought = views[way, code]
        if len(self.lows) <= EXACT:
            return self._whole(sought, way, None)
        coarse = low(sought)
        block = np.empty(min(_BLOCK, len(self.lows)), np.uint64)
        bits = np.empty(len(block), np.uint8)
        rows: list[Numbers] = []
        for start in range(0, len(self.lows), _BLOCK):
            part = self.lows[start : start + _BLOCK]
            size = len(part)
            np.bitwise_count(np.bitwise_xor(part, coarse, out=block[:size]), out=bits[:size])
            alike = (bits[:size] <= COARSE) | (bits[:size] >= 64 - COARSE)
            rows.append(np.flatnonzero(alike) + start)
        return self._whole(sought, way, np.concatenate(rows) if rows else np.zeros(0, np.int64))

    def _whole(self, sought: Words, way: int, near: Numbers | None) -> tuple[Numbers, Numbers, Numbers]:
        """Of these rows, or of all, those within FAR of a view or of its negative: distances, rows, ways."""
        compared = self.words if near is None else self.words[near]
        apart = np.zeros(len(compared), np.uint16)
        for word in range(4):  # a sum over an axis of four would cost five times as much
            apart += np.bitwise_count(compared[:, word] ^ sought[word])
        straight, negative = np.flatnonzero(apart <= FAR), np.flatnonzero(apart >= 256 - FAR)
        rows = np.concatenate([straight, negative])
        distances = np.concatenate([apart[straight], 256 - apart[negative]]).astype(np.int64)
        ways = np.repeat([way, way + pdq.NEGATIVE], [len(straight), len(negative)])
        return distances, rows if near is None else near[rows], ways


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
        self._lows: Words = np.zeros(0, dtype=np.uint64)

    def add(self, rows: list[tuple[int, bytes]], below: int) -> None:
        """Adds pictures of rising orders >= complete_below; room grows by half, so adding stays cheap."""
        needed = self._count + len(rows)
        if needed > len(self._orders):
            self._grow(max(needed, len(self._orders) * 3 // 2, 64))
        if rows:
            hashes = np.frombuffer(b"".join(data for _, data in rows), dtype="<u8").reshape(-1, 4)
            at = slice(self._count * pdq.VIEWS, needed * pdq.VIEWS)
            self._words[at], self._lows[at] = hashes, low(hashes.astype(np.uint64))
            self._orders[self._count : needed] = [order for order, _ in rows]
        self._count = needed
        self.complete_below = below

    def below(self, order: int) -> Snapshot:
        """The pictures of smaller orders, as they are now."""
        count = int(np.searchsorted(self._orders[: self._count], order))
        rows = count * pdq.VIEWS
        return Snapshot(self._orders[:count], self._words[:rows], self._lows[:rows])

    def _grow(self, room: int) -> None:
        orders = np.zeros(room, dtype=np.int64)
        words = np.zeros((room * pdq.VIEWS, 4), dtype=np.uint64)
        lows = np.zeros(room * pdq.VIEWS, dtype=np.uint64)
        held = self._count * pdq.VIEWS
        orders[: self._count], words[:held], lows[:held] = (
            self._orders[: self._count],
            self._words[:held],
            self._lows[:held],
        )
        self._orders, self._words, self._lows = orders, words, lows
