"""A copy whose tones were folded is proven by its edges and curves; other pictures are not."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import skimage.data

from bench.duplicates import jpeg
from tests.fakes.seeing import BlindEngine
from tests.verification.eyes import engine, sample
from verification.matching import pdq
from verification.matching.comparison import Comparison
from verification.matching.folding import NEAR, compare_folded
from verification.matching.registration import compare, look
from verification.picture import Pixels


def solarised(rgb: Pixels, level: int) -> Pixels:
    return np.where(rgb < level, rgb, 255 - rgb).astype(np.uint8)


def waved(rgb: Pixels, turns: float) -> Pixels:
    curve = [127.5 + 127.5 * math.sin(math.tau * turns * value / 255) for value in range(256)]
    return np.array(curve).astype(np.uint8)[rgb]


def folded(copy: Pixels, original: Pixels) -> Comparison:
    return compare_folded(look(copy, BlindEngine()), look(original, BlindEngine()))


@pytest.mark.parametrize("name", ["astronaut", "coffee", "rocket"])
def test_a_folded_copy_is_found_and_proven(name: str) -> None:
    rgb = sample(name)
    for copy in (jpeg(solarised(rgb, 128), 80), jpeg(waved(rgb, 0.9), 80)):
        edges = np.bitwise_count(pdq.query_views(copy)[0, -1] ^ pdq.index_views(rgb)[-1]).sum()
        assert edges <= NEAR
        assert folded(copy, rgb).copy


def test_nothing_else_proves_it() -> None:
    rgb = sample("coffee")
    copy = solarised(rgb, 128)
    assert not compare(look(copy, engine()), look(rgb, engine()), engine()).same_exposure
    plain = np.bitwise_count(pdq.query_views(copy)[:, :-1, None] ^ pdq.index_views(rgb)).sum(axis=-1)
    assert plain.min() > NEAR, "by brightness alone it would not be found"


def test_turned_edges_are_the_edges_of_the_turned_picture() -> None:
    rgb = sample("astronaut")
    views = pdq.query_views(rgb)
    for way in range(8):
        turned = pdq.index_views(np.ascontiguousarray(pdq.turn(rgb, way)))[-1]
        apart = np.bitwise_count(views[:8, -1] ^ turned).sum(axis=1)
        assert apart[way] <= 40  # the shrinking of PDQ leans by half a pixel
        assert np.delete(apart, way).min() > NEAR


def test_other_pictures_and_other_views_are_no_copies() -> None:
    left, right, _ = skimage.data.stereo_motorcycle()
    assert not folded(left, right).same_exposure
    assert not folded(solarised(left, 128), right).same_exposure
    assert not folded(sample("coffee"), sample("chelsea")).same_exposure
    assert not folded(np.full((200, 300, 3), 120, np.uint8), sample("coffee")).same_exposure


def test_a_copy_of_another_size_is_proven_in_its_own_frame() -> None:
    rgb = sample("astronaut")
    small = cv2.resize(solarised(rgb, 140), (300, 200), interpolation=cv2.INTER_AREA).astype(np.uint8)
    found = folded(small, rgb)
    assert found.copy
    assert found.folded
