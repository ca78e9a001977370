"""Words of pictures and the index of them: a part is found by where its features lie, earlier ones only."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.verification.eyes import engine, sample
from verification.matching import word_index, words
from verification.matching.registration import Features, Floats, look
from verification.matching.word_index import LEAST, WordIndex


def drawn(count: int, seed: int, size: tuple[int, int] = (640, 480)) -> Features:
    """Features of nothing, at random places."""
    source = np.random.default_rng(seed)
    descriptors = source.standard_normal((count, 64)).astype(np.float32)
    descriptors /= np.linalg.norm(descriptors, axis=1, keepdims=True)
    xy = (source.random((count, 2)) * np.array(size)).astype(np.float32)
    return Features(xy, descriptors, *size)


def held(*pictures: Features, first: int = 0) -> list[tuple[int, bytes]]:
    return [(first + n, words.entries(each).tobytes()) for n, each in enumerate(pictures)]


def moved(features: Features, by: tuple[float, float], count: int) -> Features:
    """The first `count` of them, all moved alike."""
    xy: Floats = (features.xy[:count] + np.array(by)).astype(np.float32)
    return Features(xy, features.descriptors[:count], features.width, features.height)


def test_a_part_is_found_among_others_by_the_shift_its_features_share() -> None:
    pictures = [drawn(150, seed) for seed in range(300)]
    index = WordIndex()
    index.add(held(*pictures))
    found = index.below(300).search(moved(pictures[123], (-90, 40), 30), 8)
    assert found[0] == (123, 30)
    scattered = Features(drawn(30, 999).xy, pictures[123].descriptors[:30], 640, 480)
    assert all(count < 15 for _, count in index.below(300).search(scattered, 8)), "features without a shift"


@pytest.mark.parametrize("scale", word_index.SCALES)
def test_a_part_shown_larger_or_smaller_is_found_by_its_shift_too(scale: float) -> None:
    pictures, index = [drawn(150, seed) for seed in range(300)], WordIndex()
    index.add(held(*pictures))
    seen = pictures[123]
    asked = Features((seen.xy[:40] / np.float32(scale)) + np.float32(30), seen.descriptors[:40], 640, 480)
    assert index.below(300).search(asked, 8)[0] == (123, 40)


def test_later_pictures_are_not_found_though_they_are_in_the_same_run() -> None:
    picture, index = drawn(150, 1), WordIndex()
    index.add(held(drawn(150, 2), picture, picture, first=5))
    assert [order for order, _ in index.below(8).search(picture, 8)] == [6, 7], "the older of equals first"
    assert [order for order, _ in index.below(7).search(picture, 8)] == [6]
    assert index.below(6).search(picture, 8) == []
    assert WordIndex().below(9).search(picture, 8) == []


def test_few_agreeing_features_are_chance() -> None:
    picture, index = drawn(150, 1), WordIndex()
    index.add(held(picture))
    assert index.below(1).search(moved(picture, (0, 0), LEAST - 1), 8) == []
    assert index.below(1).search(moved(picture, (0, 0), LEAST), 8) == [(0, LEAST)]


def test_a_snapshot_stays_as_it_was_while_others_are_added() -> None:
    pictures, index = [drawn(160, seed) for seed in range(120)], WordIndex()
    index.add(held(*pictures[:40]))
    snapshot, missed = index.below(999), []

    def search() -> None:
        for turn in range(60):
            found = snapshot.search(pictures[turn % 40], 8)
            missed.extend([turn] if found != [(turn % 40, 160)] else [])

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(40, 120):
        index.add(held(pictures[number], first=number))
    for thread in threads:
        thread.join()
    assert missed == []
    assert [index.below(120).search(each, 1)[0][0] for each in pictures] == list(range(120))
    lengths = [len(run.rows) for run in index._runs]
    assert all(2 * later < earlier for earlier, later in pairwise(lengths))


def test_what_is_stored_of_a_picture_is_small_and_comes_from_all_of_it() -> None:
    seen = look(sample("coffee"), engine())
    made = words.entries(seen.features)
    assert len(made.tobytes()) <= 2_880
    left = int((made["x"] < 320 / words.STEP).sum())
    assert 0.3 < left / len(made) < 0.7
    with pytest.raises(ValueError, match="1000"):
        words.entries(drawn(5, 1, (1000, 700)))


def test_a_descriptor_lies_in_its_own_cell_and_near_it_when_disturbed() -> None:
    plain = drawn(500, 3).descriptors
    noise = np.random.default_rng(4).standard_normal(plain.shape) * 0.03
    near = (plain + noise).astype(np.float32)
    own = words.cells(plain, 1)
    assert (words.cells(plain, words.CELLS) == own).any(axis=1).all()
    assert (words.cells(near, words.CELLS) == own).any(axis=1).mean() > 0.8
    assert len(np.unique(own)) > 450, "spread over many cells"
    assert np.median(np.bitwise_count(words.signs(plain) ^ words.signs(near))) < 10


def test_a_row_of_windows_is_kept_and_asked_by_few_of_them() -> None:
    window = np.repeat(drawn(1, 1).descriptors, 150, axis=0)
    grid = Features(drawn(150, 2).xy, window, 640, 480)
    assert len(words.entries(grid)) == words.BURST
    mixed = Features(
        np.concatenate([grid.xy, drawn(150, 3).xy]),
        np.concatenate([window, drawn(150, 3).descriptors]),
        640,
        480,
    )
    assert len(words.entries(mixed)) > 140, "the others take the places"


def test_a_search_among_like_pictures_compares_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    common, rare = drawn(60, 1), drawn(60, 2)
    index, made = WordIndex(), 300
    index.add(held(*[common] * made))
    both = Features(
        np.concatenate([common.xy, rare.xy]),
        np.concatenate([common.descriptors, rare.descriptors]),
        640,
        480,
    )
    index.add(held(both, first=made))
    monkeypatch.setattr(word_index, "PAIRS", 2_000)
    compared: list[int] = []
    found_of = word_index._found

    def counted(run: word_index._Run, left: words.Numbers, right: words.Numbers, *rest: Any) -> Any:
        compared.append(int((right - left).sum()))
        return found_of(run, left, right, *rest)

    monkeypatch.setattr(word_index, "_found", counted)
    assert index.below(made + 1).search(both, 4)[0][0] == made, "known by what is rare"
    assert sum(compared) <= 2_000
    compared.clear()
    index.add(held(*[common] * 50, first=made + 1))
    assert index.below(made + 1).search(both, 4)[0][0] == made, "later pictures change nothing"
    assert sum(compared) <= 2_000
