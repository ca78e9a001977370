"""The motion check: gyroscope against frames, axes and lags, silent sensors, frozen and moved stills."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from tests.verification import bursts, stage
from tests.verification.bursts import Path, case_of, felt, film, path, scene
from tests.verification.eyes import sample
from verification.case import Frame, Sensed
from verification.checks.motion import motion
from verification.evidence import Outcome, Status
from verification.measures.flow import follow
from verification.measures.grain import grain
from verification.measures.turning import agreement, in_radians
from verification.picture import Decoder

HAND = 3


@lru_cache(maxsize=8)
def filmed(seed: int, z: float = 0.0) -> tuple[tuple[Frame, ...], Path]:
    """A scene, or a single plane at `z` metres, filmed by hand for 1.3 s."""
    way = path(1.3, seed)
    planes = [bursts.Plane(sample("coffee"), z)] if z else scene()
    return film(planes, way, seed=seed), way


def judged(frames: tuple[Frame, ...], sensed: Sensed | None, decoder: Decoder) -> Outcome:
    return motion(case_of(frames, sensed, stage.tools(decoder)))


def test_without_a_burst_it_abstains(decoder: Decoder) -> None:
    frames, way = filmed(HAND)
    for few in ((), frames[:1]):
        assert judged(few, felt(way), decoder).reason == "no_burst"


def test_without_motion_it_abstains(decoder: Decoder) -> None:
    assert judged(filmed(HAND)[0], None, decoder).reason == "no_motion"


@pytest.mark.parametrize("z", [0.0, 0.5], ids=["scene", "near plane"])
@pytest.mark.parametrize("quarter", range(4))
def test_true_motion_agrees_however_the_phone_is_held(z: float, quarter: int, decoder: Decoder) -> None:
    frames, way = filmed(HAND, z)
    turned = np.linalg.matrix_power(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]), quarter)
    outcome = judged(frames, felt(way, turned @ bursts.TO_DEVICE), decoder)
    assert (outcome.status, outcome.reason) == (Status.OK, "motion_agrees")
    assert outcome.llr > 0.5
    assert outcome.facts["near"] == (z == 0.5)


def test_a_clock_that_is_off_and_degrees_are_forgiven(decoder: Decoder) -> None:
    frames, way = filmed(HAND)
    true = felt(way)
    late = replace(true, t=true.t + 0.3, gyro=np.degrees(true.gyro))
    outcome = judged(frames, late, decoder)
    assert outcome.reason == "motion_agrees"
    assert outcome.facts["lag_s"] == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("seed", range(4))
def test_another_hand_disagrees(seed: int, decoder: Decoder) -> None:
    frames, _ = filmed(HAND)
    outcome = judged(frames, felt(path(1.3, 40 + seed)), decoder)
    assert (outcome.status, outcome.reason) == (Status.OK, "motion_disagrees")
    assert outcome.llr < 0


def test_a_gyroscope_in_mirrored_axes_is_no_convention(decoder: Decoder) -> None:
    frames, way = filmed(HAND)
    outcome = judged(frames, felt(way, np.diag([1.0, 1.0, -1.0]) @ bursts.TO_DEVICE), decoder)
    assert outcome.reason == "motion_disagrees"


@pytest.mark.parametrize("gyro", ["zero", "constant", "repeated"])
def test_sensors_that_say_nothing_are_told(gyro: str, decoder: Decoder) -> None:
    frames, way = filmed(HAND)
    true = felt(way)
    values = {
        "zero": np.zeros_like(true.gyro),
        "constant": np.full_like(true.gyro, 0.01),
        "repeated": np.tile(true.gyro[:40], (9, 1))[: len(true.gyro)],
    }
    outcome = judged(frames, replace(true, gyro=values[gyro]), decoder)
    assert (outcome.reason, outcome.llr) == ("sensors_silent", -3.0)


def test_a_still_phone_before_a_still_scene_says_nothing(decoder: Decoder) -> None:
    way = path(1.3, 5, tremor=0.002, drift=0.001)
    assert judged(film(scene(), way), felt(way), decoder).reason == "too_still"


def test_a_blank_wall_says_nothing(decoder: Decoder) -> None:
    way = path(1.0, 6)
    wall = bursts.Plane(np.full((300, 400, 3), 128, np.uint8), 2.0)
    assert judged(film([wall], way, noisy=False), felt(way), decoder).reason in {
        "frames_frozen",
        "motion_unclear",
    }
    noisy = judged(film([wall], way), felt(way), decoder)
    assert noisy.reason == "motion_unclear"


def test_one_picture_while_the_phone_turns_is_proof(decoder: Decoder) -> None:
    frames, way = filmed(HAND)
    frozen = tuple(Frame(frame.t, frames[0].rgb) for frame in frames)
    outcome = judged(frozen, felt(way), decoder)
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "frames_frozen")
    still = judged(frozen, felt(path(1.3, 7, tremor=0.001)), decoder)
    assert (still.status, still.reason, still.llr) == (Status.OK, "frames_frozen", -2.0)


def test_a_still_moved_by_program_carries_its_grain_along(decoder: Decoder) -> None:
    frames, _ = filmed(HAND)
    way = path(1.3, 8)
    moved = film([bursts.Plane(frames[0].rgb, 0.6)], way, noisy=False)
    outcome = judged(moved, felt(way), decoder)
    assert (outcome.reason, outcome.llr) == ("frames_frozen", -2.5)
    found, true = grain(moved, follow(moved)), grain(frames, follow(frames))
    assert found is not None
    assert true is not None
    assert found.moved > 0.8
    assert true.moved < 0.5


def test_the_focal_length_is_fitted(decoder: Decoder) -> None:
    frames, way = filmed(HAND)
    height, width = frames[0].rgb.shape[:2]
    cut = (slice(height // 8, -height // 8), slice(width // 8, -width // 8))
    cropped = tuple(Frame(frame.t, np.ascontiguousarray(frame.rgb[cut])) for frame in frames)
    found = agreement(follow(cropped), felt(way), in_radians(felt(way)))
    assert found is not None
    assert found.value > 0.9
    assert found.scale > 1.0  # a crop's focal length is longer than assumed, so turns look larger
