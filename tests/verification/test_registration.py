"""Copies against other photographs of the same place, on what ships in packages."""

from __future__ import annotations

import random

import cv2
import numpy as np
import pytest
import skimage.data

from bench.duplicates import TRANSFORMS, crop, jpeg
from tests.verification.eyes import engine, sample
from verification.matching.comparison import Comparison
from verification.matching.registration import Look, closer, compare, halved, look
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
    assert np.abs(again.features.descriptors - seen.features.descriptors).max() < 1e-3
    assert compare(again, seen, engine()).copy
    assert len(seen.pack()) < 300_000
