"""The noise of a capture: shared by a copy, its own in a second exposure of the same flat thing."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from bench.duplicates import jpeg
from market.simulator.sensor import expose, to_light
from tests.verification.eyes import engine, sample
from verification.matching.comparison import LIT_APART, PERSPECTIVE_PX, Comparison
from verification.matching.registration import compare, look
from verification.matching.residue import LEAST, MOVED, SQUARE, Reading, Residue, fine, read, residue
from verification.matching.same_exposure import grained
from verification.picture import Pixels

_SAME = ((480, 640), (480, 640))


def page() -> Pixels:
    """A poster at the size of a capture: part of a photograph, soft, without noise of its own."""
    large = cv2.resize(sample("astronaut")[:384], (1024, 768), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.GaussianBlur(large, (0, 0), 1.5), np.uint8)


def exposed(seed: int) -> Pixels:
    """The poster as a fixed camera takes it."""
    return jpeg(expose(to_light(page()), np.random.default_rng(seed)), 92)


def compared(picture: Pixels, earlier: Pixels) -> Comparison:
    here = look(picture, engine())
    there = replace(look(earlier, engine()), residue=residue(earlier))
    found = compare(here, there, engine())
    assert found.matrix
    return grained(found, fine(picture), 0, here, there)


def test_two_exposures_of_one_flat_thing_are_no_copy_though_they_lie_on_each_other() -> None:
    found = compared(exposed(1), exposed(2))
    assert found.affine, "without the noise it would be proven"
    assert found.framed
    assert found.grain is not None
    assert found.grain.says == "own"
    assert not found.copy


@pytest.mark.parametrize("quality", [92, 75])
def test_a_copy_saved_again_is_proven(quality: int) -> None:
    found = compared(jpeg(exposed(1), quality), exposed(1))
    assert found.copy, found
    assert found.shares


def test_noise_sprinkled_on_a_copy_does_not_clear_it() -> None:
    rough = exposed(1) + np.random.default_rng(3).normal(0, 3, (768, 1024, 3))
    found = compared(jpeg(np.clip(rough, 0, 255).astype(np.uint8), 92), exposed(1))
    assert found.same_exposure, "a person's case at least"


def test_a_deep_crop_is_proven_by_its_noise() -> None:
    found = compared(jpeg(exposed(1)[200:600, 100:640], 96), exposed(1))
    assert found.zoom > 1.5
    assert found.copy, found
    other = compared(jpeg(exposed(2)[200:600, 100:640], 96), exposed(1))
    assert not other.copy, other


def test_a_look_without_its_noise_proves_nothing() -> None:
    taken = exposed(1)
    here, there = look(taken[40:], engine()), look(taken, engine())
    for found in (
        grained(compare(here, there, engine()), fine(taken[40:]), 0, here, there),
        grained(compare(there, there, engine()), fine(taken), 0, there, there),
    ):
        assert found.affine
        assert found.grain == Reading()
        assert not found.copy
        assert found.doubtful, "a person's case"


def lawn(seed: int, turned: float = 0.0, lean: float = 0.0, strength: float = 1.0) -> Pixels:
    """A flat thing whose texture is much stronger than the noise, or in mist, as a camera takes it that is
    held askew, turned by degrees and with a corner `lean` pixels off."""
    grass = np.random.default_rng(5).normal(0, 60, (900, 1100, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(grass, (0, 0), 1.5) + 0.5 * cv2.GaussianBlur(grass, (0, 0), 6) * 8
    soft = strength * soft + 110
    matrix = cv2.getRotationMatrix2D((550, 450), turned, 1.0)
    seen = cv2.warpAffine(soft, matrix, (1100, 900), flags=cv2.INTER_CUBIC)[66:834, 38:1062]
    square = np.array([[0, 0], [1024, 0], [1024, 768], [0, 768]], np.float32)
    leant = cv2.getPerspectiveTransform(
        square, square - np.array([[lean, lean], [0, 0], [0, 0], [0, 0]], np.float32)
    )
    seen = cv2.warpPerspective(seen, leant, (1024, 768), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    light = to_light(np.clip(seen, 0, 255).astype(np.uint8))
    return jpeg(expose(light, np.random.default_rng(seed)), 92)


@pytest.mark.parametrize("turned", [0.0, 4.0])
def test_texture_is_no_noise(turned: float) -> None:
    found = compared(lawn(1, turned), lawn(2))
    assert found.affine
    assert found.framed == (turned == 0)
    assert found.grain is not None
    assert found.grain.textured
    assert found.grain.correlation > 0.8, "as noise it would prove a copy"
    assert not found.copy
    assert found.doubtful


def test_texture_as_faint_as_noise_wants_more_of_it_shared() -> None:
    found = compared(lawn(1, 4.0, strength=0.2), lawn(2, strength=0.2))
    assert found.affine
    assert found.grain is not None
    assert not found.grain.textured
    assert found.grain.correlation > MOVED, "as noise alone it would prove a copy"
    assert not found.copy
    assert found.doubtful
    taken = lawn(1, strength=0.2)
    assert compared(jpeg(taken[40:700, 30:900], 92), taken).copy


def test_texture_seen_from_elsewhere_is_another_exposure() -> None:
    found = compared(lawn(1, lean=60.0), lawn(2))
    assert found.bend_px > PERSPECTIVE_PX
    assert found.grain is not None
    assert found.grain.says == "unread"
    assert found.apart
    assert not compared(lawn(1, turned=4.0), lawn(2)).apart, "an affine map may be a copy's"


def test_a_copy_of_texture_is_proven_where_no_fixed_camera_stands() -> None:
    taken = lawn(1)
    assert compared(jpeg(taken[40:700, 30:900], 95), taken).copy
    assert not compared(jpeg(taken, 95), taken).copy, "corner on corner it may be a tripod's second"


def test_how_bright_it_is_counts_under_every_map() -> None:
    bright = np.clip(exposed(1)[33:, 21:].astype(np.float32) * 1.5, 0, 255).astype(np.uint8)
    found = compared(jpeg(bright, 60), exposed(1))
    assert found.light > LIT_APART
    assert found.affine
    assert not found.copy, "in quite another light half of the noise is not enough"


def test_what_is_kept_survives_its_packing_and_is_small() -> None:
    made = residue(exposed(1))
    again = Residue.unpack(made.pack())
    assert (again.width, again.height) == (1024, 768)
    assert np.array_equal(again.places, made.places)
    assert np.array_equal(again.squares, made.squares)
    assert len(made.places) >= LEAST
    assert len(made.pack()) < 90_000


def test_black_and_burnt_out_pictures_have_nothing_to_read() -> None:
    for tone in (0, 255):
        flat = np.full((480, 640, 3), tone, np.uint8)
        made = residue(flat)
        assert made.squares.shape == (0, SQUARE, SQUARE)
        assert Residue.unpack(made.pack()).squares.shape == (0, SQUARE, SQUARE)
        assert read(fine(flat), made, np.eye(3), _SAME).says == "unread"
    assert residue(np.zeros((20, 20, 3), np.uint8)).places.shape == (0, 2)
