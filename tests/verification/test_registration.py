"""Copies against other photographs of the same place, on what ships in packages."""

from __future__ import annotations

import random
from dataclasses import replace

import cv2
import numpy as np
import pytest
import skimage.data

from bench.duplicates import TRANSFORMS, crop, jpeg
from tests.fakes.seeing import BlindEngine
from tests.verification.eyes import engine, sample
from verification.matching.comparison import Comparison
from verification.matching.registration import Features, Look, Pairs, closer, compare, halved, look
from verification.picture import Pixels

TURNED = {"mirrored", "upside down", "quarter turn"}  # undone by the hash search before comparing
SHOWN = [
    "JPEG q20",
    "crop 25 %",
    "turn -5 deg",
    "darker x0.6",
    "mirrored border 3 %",
    "bars 20 %",
]


def compared(copy: Pixels, original: Pixels) -> Comparison:
    return compare(look(copy, engine()), look(original, engine()), engine())


@pytest.mark.parametrize("name", SHOWN)
def test_a_copy_is_proven(name: str) -> None:
    rgb = sample("astronaut")
    found = compared(TRANSFORMS[name](rgb, random.Random(3)), rgb)
    assert found.copy, found


def test_a_flat_thing_seen_from_elsewhere_is_no_proof() -> None:
    """Who photographs a poster from nearer by, or aslant, shows nothing new, pixel for pixel."""
    rgb = sample("astronaut")
    found = compared(TRANSFORMS["perspective 5 %"](rgb, random.Random(3)), rgb)
    assert found.same_exposure
    assert found.beyond < 0.02
    assert not found.copy


def test_two_crops_of_one_picture_are_copies_of_each_other() -> None:
    rgb, source = sample("coffee"), random.Random(8)
    one, other = (jpeg(crop(rgb, 0.25, source), 85) for _ in range(2))
    found = compared(one, other)
    assert found.copy
    assert found.beyond > 0.02, "each shows what the other does not"


def test_a_stereo_pair_is_one_scene_and_two_exposures() -> None:
    left, right, _ = skimage.data.stereo_motorcycle()
    found = compared(left, right)
    assert found.same_scene
    assert not found.same_exposure
    assert not found.copy


def turned_camera(rgb: Pixels, pan_degrees: float) -> Pixels:
    """What a camera of 60 degrees turned on the spot would see of a scene at infinity."""
    height, width = rgb.shape[:2]
    focal = width / 2 / np.tan(np.radians(30))
    inner = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    angle = np.radians(pan_degrees)
    pan = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    middle = np.array([[1, 0, -width * 0.2], [0, 1, -height * 0.1], [0, 0, 1]])
    size = (int(width * 0.6), int(height * 0.8))
    return cv2.warpPerspective(rgb, middle @ inner @ pan @ np.linalg.inv(inner), size).astype(np.uint8)


def test_a_camera_turned_before_a_distant_scene_is_not_a_copy() -> None:
    scene = cv2.resize(sample("rocket"), (1280, 854), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    found = compared(turned_camera(scene, 0), turned_camera(scene, 5))
    assert found.same_exposure, "nothing but the perspective tells them apart"
    assert not found.copy, found


def test_other_pictures_do_not_register() -> None:
    assert not compared(sample("coffee"), sample("chelsea")).same_scene


def test_a_strong_zoom_is_left_to_a_person() -> None:
    rgb = sample("astronaut")
    found = compared(rgb[100:400, 90:390], rgb)
    assert found.same_exposure
    assert found.zoom > 1.5
    assert not found.copy


def test_a_faint_picture_is_proven_by_faint_detail() -> None:
    night = (sample("rocket") // 12 + 6).astype(np.uint8)
    found = compared(jpeg(night, 85), night)
    assert found.copy, found
    assert not compared(night, (sample("coffee") // 12 + 6).astype(np.uint8)).same_exposure


def test_half_a_picture_has_more_in_common_at_half_its_size() -> None:
    rgb = sample("astronaut")
    whole, part = look(rgb, engine()), look(rgb[:230, 160:390], engine())
    both = closer(part, halved(part, engine()))
    assert compare(both, whole, engine()).inliers > 1.2 * compare(part, whole, engine()).inliers


def test_a_look_survives_its_packing() -> None:
    seen = look(sample("chelsea"), engine())
    again = Look.unpack(seen.pack())
    assert again.source == seen.source == 451
    assert np.array_equal(again.features.xy, seen.features.xy)
    assert np.abs(again.features.descriptors - seen.features.descriptors).max() < 0.51 / 127
    assert compare(again, seen, engine()).copy
    assert len(seen.pack()) < 300_000


class Told:
    """Eyes that are told which features are one."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs

    def features(self, rgb: Pixels, most: int = 0) -> Features:
        raise AssertionError(f"nobody asks, {rgb.shape}, {most}")

    def match(self, a: Features, b: Features) -> Pairs:
        return self.pairs


def enlarged_quarter(rgb: Pixels, *, false: int = 0, noise: float = 0.0) -> tuple[Look, Look, Told]:
    """Looks at a quarter of a picture and at the picture, and 30 true pairs among so many false ones.

    Args:
        noise: grey levels that were sprinkled on the quarter.
    """
    height, width = (side // 4 * 4 for side in rgb.shape[:2])
    part, source = rgb[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4], np.random.default_rng(1)
    part = np.asarray(np.clip(part + source.normal(0, noise, (*part.shape[:2], 1)), 0, 255), np.uint8)
    seen, whole = (look(each, BlindEngine()) for each in (part, rgb[:height, :width]))
    size = np.array([seen.rgb.shape[1], seen.rgb.shape[0]], np.float32)
    here = (source.random((30 + false, 2)) * size).astype(np.float32)
    there = here / 2 + size / 4
    there[30:] = source.random((false, 2)) * size
    pairs = np.stack([np.arange(30 + false)] * 2, axis=1)
    blank = np.zeros((30 + false, 64), np.float32)
    looks = [
        replace(each, features=Features(xy.astype(np.float32), blank, *size.astype(int).tolist()))
        for each, xy in ((seen, here), (whole, there))
    ]
    return looks[0], looks[1], Told(pairs)


def test_few_true_pairs_among_many_lay_a_part_on_its_whole() -> None:
    rgb = np.asarray(cv2.resize(sample("coffee"), (1200, 800), interpolation=cv2.INTER_CUBIC), np.uint8)
    assert compare(*enlarged_quarter(rgb)).same_exposure
    assert compare(*enlarged_quarter(rgb, false=600)).same_exposure, (
        "four true pairs are seldom drawn at once"
    )


def test_a_part_is_compared_as_coarsely_as_it_was_enlarged() -> None:
    rgb = np.asarray(cv2.resize(sample("coffee"), (1200, 800), interpolation=cv2.INTER_CUBIC), np.uint8)
    assert compare(*enlarged_quarter(rgb, noise=20)).share > 0.9
