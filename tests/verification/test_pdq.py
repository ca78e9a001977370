"""PDQ against known answers, and the views by which crops and turns are found.

The known answers were computed with pdqhash 0.2.8 (Meta's reference code) on the same arrays: skimage's
and scikit-learn's sample pictures, and patterns made of integers alone.
"""

from __future__ import annotations

import random

import numpy as np
import pytest
import skimage.data
from sklearn.datasets import load_sample_image

from bench.duplicates import crop, jpeg, rotate
from verification.matching import pdq
from verification.matching.pdq import Hashes, Pixels

KNOWN = {
    "astronaut": "2d6b1af3a956c529e79ca3d2526fa834d4196c81cedd04de0a26b855fc99b724",
    "coffee": "8c629e779a663698b9a33866c026726c21a679f61eb6e1f8c79ba7e23c8299e0",
    "chelsea": "5feb5321f01da156898e2bf629a5d3438412cdbd23f48942464526315db33ffd",
    "rocket": "8792786c87937064bf1bc0e43f1fc0e03f1cc2e33da4c2537cec821b2ce4f376",
    "china": "bf18cef3407e8678e6833b1937d14066988e5cd2046eac5f783103f157abf50e",
    "flower": "673966dcb772a66499a69a666196a9476599a21b9649a659596624b3e58ea693",
    "pattern 480 640": "7f00f82b3e00f81f3e00e0007f00f81b7e00f82f7f00f82f7f00ffbf7f00fc2f",
    "pattern 131 517": "7ffefa00a0bf7fff607f0fff7f00f00170fff80370ffc3e08f00c0008f00e000",
    "pattern 64 64": "2ba9bc7a67c4a62f755672d1a46ba2542aed526ac5d40d4df8d25991f81859d2",
    "pattern 1200 1600": "00001f9f0000801fffff3fb638619efa38711e711861befb3860ffff30c0e38e",
}
# compute_dihedral of the same package on the astronaut, first 12 digits, in the order of `turn`.
KNOWN_TURNS = [
    "2d6b1af3a956",
    "783a4fa6fc23",
    "783ab059fc23",
    "0d6be50ca856",
    "3da71ae2ad47",
    "68f24fb37012",
    "68f2b04cf812",
    "3da7e51dad47",
]


def pattern(height: int, width: int) -> Pixels:
    y, x = np.mgrid[0:height, 0:width]
    red, green = (x * 7 + y * 3 + (x * y) // 50) % 256, (x * x // 97 + y * 5) % 256
    blue = ((x // 16 + y // 16) % 2 * 200 + (x + y) % 56) % 256
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)


def sample(name: str) -> Pixels:
    if name.startswith("pattern"):
        height, width = map(int, name.split()[1:])
        return pattern(height, width)
    if name in {"china", "flower"}:
        return np.asarray(load_sample_image(f"{name}.jpg"), np.uint8)
    return np.asarray(getattr(skimage.data, name)(), np.uint8)


def digits(code: Hashes) -> str:
    """As the reference prints a hash: the last bit first."""
    return "".join(f"{int(word):016x}" for word in code[::-1])


def apart(a: Hashes, b: Hashes) -> int:
    return int(np.bitwise_count(a ^ b).sum())


@pytest.mark.parametrize("name", KNOWN)
def test_known_answers_of_the_reference(name: str) -> None:
    code, quality = pdq.pdq(sample(name))
    assert digits(code) == KNOWN[name]
    assert quality == 100


def test_known_turns_of_the_reference() -> None:
    spectrum = pdq.coefficients(pdq.shrink(pdq.luma(sample("astronaut"))))
    turned = pdq.bits(pdq.dihedral(spectrum))
    assert [digits(code)[:12] for code in turned] == KNOWN_TURNS


@pytest.mark.parametrize("way", range(8))
def test_a_turned_hash_is_the_hash_of_the_turned_picture(way: int) -> None:
    small = pdq.shrink(pdq.luma(sample("coffee")))
    turned = pdq.bits(pdq.dihedral(pdq.coefficients(small)))[way]
    assert apart(turned, pdq.bits(pdq.coefficients(pdq.turn(small, way)))) == 0


def test_a_flat_picture_has_no_quality_and_a_tiny_one_no_hash() -> None:
    assert pdq.pdq(np.full((80, 90, 3), 130, np.uint8))[1] == 0
    with pytest.raises(ValueError, match="too small"):
        pdq.pdq(np.zeros((4, 90, 3), np.uint8))


def test_views_have_the_promised_shapes() -> None:
    rgb = sample("rocket")
    assert pdq.index_views(rgb).shape == (pdq.VIEWS, 4)
    assert pdq.query_views(rgb).shape == (16, 7, 4)
    assert pdq.index_views(rgb).dtype == pdq.query_views(rgb).dtype == np.uint64


def nearest(query: Pixels, indexed: Pixels) -> int:
    index = pdq.index_views(indexed)
    return min(apart(code, other) for code in pdq.query_views(query).reshape(-1, 4) for other in index)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "china"])
def test_views_bring_crops_and_turns_near_and_leave_others_far(name: str) -> None:
    rgb = sample(name)
    assert nearest(jpeg(crop(rgb, 0.2, random.Random(4)), 80), rgb) < 88
    assert nearest(jpeg(rotate(rgb, 4, inner=True), 80), rgb) < 70
    assert nearest(jpeg(rgb[:, ::-1], 80), rgb) <= 4
    assert nearest(sample("rocket"), rgb) > 76
