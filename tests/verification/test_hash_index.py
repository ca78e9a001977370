"""The index of hashes: what is close is found with its way, earlier ones only, while others are added."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from verification.matching import pdq
from verification.matching.hash_index import COARSE, FAR, HashIndex, Words, low


def noise(count: int, seed: int = 1) -> Words:
    """Hashes of nothing: uint64[count, VIEWS, 4]."""
    source = np.random.default_rng(seed)
    return source.integers(0, 2**64, (count, pdq.VIEWS, 4), dtype=np.uint64)


def rows(hashes: Words, first: int = 0) -> list[tuple[int, bytes]]:
    return [(first + n, row.astype("<u8").tobytes()) for n, row in enumerate(hashes)]


def sought(code: Words, way: int = 0) -> Words:
    """Views of which one is `code`, in this way; the others are noise."""
    views = noise(1, seed=9)[0][:8, None].repeat(2, axis=1).copy()
    whole = np.concatenate([views, ~views])
    whole[way % 8, 1] = code if way < 8 else ~code
    whole[8:] = ~whole[:8]
    return whole


def flipped(code: Words, places: list[int]) -> Words:
    """The hash with these bits (16 * row + column) changed."""
    changed = code.copy()
    for place in places:
        changed[place // 64] ^= np.uint64(1) << np.uint64(place % 64)
    return changed


def test_the_low_word_is_the_eight_by_eight_lowest() -> None:
    nothing = np.zeros(4, np.uint64)
    for row in range(16):
        for column in range(16):
            bit = low(flipped(nothing, [16 * row + column]))
            assert int(np.bitwise_count(bit)) == (row < 8 and column < 8)


@pytest.mark.parametrize("way", [0, 3, 7, 8, 15])
def test_a_near_hash_is_found_with_its_way(way: int) -> None:
    hashes, index = noise(3_000), HashIndex()
    index.add(rows(hashes), 3_000)
    near = flipped(hashes[2_718, 5], [*range(10), *range(130, 190)])
    assert index.below(3_000).search(sought(near, way), 8)[0] == (2_718, 70, way)
    earlier = index.below(2_718).search(sought(near, way), 8)
    assert all(distance > 80 for _, distance, _ in earlier), "what comes later than the asking one"


def test_far_in_the_lowest_frequencies_or_in_all_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes, index = noise(50), HashIndex()
    index.add(rows(hashes), 50)
    lowest = [16 * row + column for row in range(8) for column in range(8)]
    high = [16 * row + column for row in range(16) for column in range(8, 16)]

    def found(places: list[int]) -> bool:
        close = index.below(50).search(sought(flipped(hashes[7, 0], places)), 50)
        return (7, len(places), 0) in close

    assert found(lowest[: COARSE + 1]), "few hashes are all compared whole"
    monkeypatch.setattr("verification.matching.hash_index.EXACT", 0)
    assert found(lowest[:COARSE])
    assert not found(lowest[: COARSE + 1])
    assert found(high[:FAR])
    assert not found(high[: FAR + 1])


def test_closest_first_then_oldest() -> None:
    hashes, index = noise(10), HashIndex()
    hashes[4, 3] = hashes[8, 0] = hashes[2, 0]
    hashes[6, 1] = flipped(hashes[2, 0], [1, 2])
    index.add(rows(hashes), 10)
    assert [order for order, _, _ in index.below(10).search(sought(hashes[2, 0]), 4)] == [2, 4, 8, 6]
    assert len(index.below(10).search(sought(hashes[2, 0]), 2)) == 2


def test_an_empty_index_finds_nothing() -> None:
    index = HashIndex()
    assert index.below(99).search(sought(noise(1)[0, 0]), 8) == []
    index.add([], 7)
    assert (index.complete_below, index.below(99).search(sought(noise(1)[0, 0]), 8)) == (7, [])


def test_searching_goes_on_while_others_add() -> None:
    hashes, index = noise(4_000), HashIndex()
    index.add(rows(hashes[:100]), 100)
    lock, wrong, stop = threading.Lock(), [], threading.Event()

    def search() -> None:
        source = np.random.default_rng(threading.get_ident())
        while not stop.is_set():
            with lock:
                snapshot = index.below(index.complete_below)
            at = int(source.integers(len(snapshot.orders)))
            if snapshot.search(sought(hashes[at, 2]), 1) != [(at, 0, 0)]:
                wrong.append(at)

    searchers = [threading.Thread(target=search) for _ in range(4)]
    for thread in searchers:
        thread.start()
    for start in range(100, 4_000, 100):
        with lock:
            index.add(rows(hashes[start : start + 100], start), start + 100)
    stop.set()
    for thread in searchers:
        thread.join()
    assert not wrong
    assert index.below(4_000).search(sought(hashes[3_999, 18]), 1) == [(3_999, 0, 0)]
