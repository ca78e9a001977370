"""The index of hashes: what is close is found with its way, earlier ones only, while others are added."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from verification.matching import pdq
from verification.matching.hash_index import FAR, HashIndex, Words


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


@pytest.mark.parametrize("way", [0, 3, 7, 8, 15])
def test_a_near_hash_is_found_with_its_way(way: int) -> None:
    hashes, index = noise(3_000), HashIndex()
    index.add(rows(hashes), 3_000)
    near = flipped(hashes[2_718, 5], [*range(10), *range(130, 190)])
    assert index.below(3_000).search(sought(near, way), 8)[0] == (2_718, 70, way)
    earlier = index.below(2_718).search(sought(near, way), 8)
    assert all(distance > 80 for _, distance, _ in earlier), "what comes later than the asking one"


def test_farther_than_far_is_not_found() -> None:
    hashes, index = noise(50), HashIndex()
    index.add(rows(hashes), 50)

    def found(count: int) -> bool:
        close = index.below(50).search(sought(flipped(hashes[7, 0], list(range(count)))), 50)
        return (7, count, 0) in close

    assert found(FAR)
    assert not found(FAR + 1)


def test_all_views_of_one_picture_leave_room_for_the_others() -> None:
    hashes, index = noise(50), HashIndex()
    hashes[:3] = hashes[0, 0]  # sixty hashes, closest of all
    hashes[41, 2] = flipped(hashes[0, 0], [1])
    index.add(rows(hashes), 50)
    found = [order for order, _, _ in index.below(50).search(sought(hashes[0, 0]), 4)]
    assert found == [0, 1, 2, 41]


def test_the_same_is_found_as_by_comparing_all_with_all() -> None:
    source, hashes, index = np.random.default_rng(5), noise(400), HashIndex()
    for order in source.choice(400, 40, replace=False):
        changed = source.choice(256, source.integers(40, 110), replace=False).tolist()
        hashes[order, source.integers(pdq.VIEWS)] = flipped(hashes[7, 0], changed)
    index.add(rows(hashes), 400)
    views = sought(hashes[7, 0])
    apart = np.bitwise_count(views[:, :, None, None] ^ hashes).sum(axis=-1).min(axis=(1, 3))
    expected = [(int(far), order) for order, far in enumerate(apart.min(axis=0)) if far <= FAR]
    found = index.below(400).search(views, 30)
    assert [(distance, order) for order, distance, _ in found] == sorted(expected)[:30]
    assert all(apart[way, order] == distance for order, distance, way in found)


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
