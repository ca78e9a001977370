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
from verification.checks.motion import motion, weight
from verification.evidence import Outcome, Status
from verification.measures.flow import follow
from verification.measures.grain import grain
from verification.measures.turning import Agreement, agreement, held, in_radians
from verification.picture import Decoder

HAND = 3


@lru_cache(maxsize=8)
def filmed(seed: int, z: float = 0.0) -> tuple[tuple[Frame, ...], Path]:
    """A scene, or a single plane at `z` metres, filmed by hand for 1.3 s."""
    way = path(1.3, seed)
    planes = [bursts.Plane(sample("coffee"), z)] if z else scene()
    return film(planes, way, seed=seed), way


def judged(
    frames: tuple[Frame, ...], sensed: Sensed | None, decoder: Decoder, *, outside: bool = False
) -> Outcome:
    return motion(case_of(frames, sensed, stage.tools(decoder), outside=outside))


def then(first: Path, second: Path) -> Path:
    """One way after the other."""
    turn, place = first.rotations[-1], first.shifts[-1]
    return Path(
        np.concatenate([first.rotations, turn @ second.rotations]),
        np.concatenate([first.shifts, place + second.shifts @ turn.T]),
        np.concatenate([first.gyro, second.gyro]),
        np.concatenate([first.acceleration, second.acceleration]),
    )


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


def test_outside_the_market_a_clock_that_is_off_and_degrees_are_forgiven(decoder: Decoder) -> None:
    frames, way = filmed(HAND)
    true = felt(way)
    late = replace(true, t=true.t + 0.3, gyro=np.degrees(true.gyro))
    outcome = judged(frames, late, decoder, outside=True)
    assert outcome.reason == "motion_agrees"
    assert outcome.facts["lag_s"] == pytest.approx(0.3, abs=0.04)
    assert outcome.llr < judged(frames, true, decoder, outside=True).llr


@pytest.mark.parametrize("late", [-0.4, 0.3, 0.5])
def test_in_the_market_there_is_one_clock(late: float, decoder: Decoder) -> None:
    frames, way = filmed(HAND)
    true = felt(way)
    outcome = judged(frames, replace(true, t=true.t + late), decoder)
    assert outcome.reason == "motion_disagrees"
    assert outcome.llr < -2


@pytest.mark.parametrize("late", [-0.15, 0.08])
def test_pictures_stamped_a_little_late_are_honest(late: float, decoder: Decoder) -> None:
    frames, way = filmed(HAND)
    true = felt(way)
    outcome = judged(frames, replace(true, t=true.t + late), decoder)
    assert outcome.reason == "motion_agrees"
    assert outcome.facts["lag_s"] == pytest.approx(late, abs=0.03)


def test_axes_no_phone_sends_are_half_believed_outside_and_not_in_the_market(decoder: Decoder) -> None:
    frames, way = filmed(HAND)
    camera = replace(felt(way, np.eye(3)), acceleration=felt(way).acceleration)
    assert judged(frames, camera, decoder).reason == "motion_disagrees"
    outcome = judged(frames, camera, decoder, outside=True)
    assert (outcome.reason, outcome.facts["axes"]) == ("motion_agrees", "camera_0")
    assert outcome.llr < judged(frames, felt(way), decoder, outside=True).llr


def test_a_phone_held_upright_has_one_convention() -> None:
    true = felt(path(1.0, 5))
    assert held(true) == ("device_0",)
    for up in ((9.8, 0.0, 0.0), (0.0, 0.0, 9.8), (0.0, -9.8, 0.0), (7.0, 7.0, 0.0)):
        other = replace(true, acceleration=np.tile(up, (len(true.t), 1)))
        assert held(other) == ("device_0", "device_90", "device_180", "device_270")


def test_a_picture_turned_against_an_upright_phone_disagrees(decoder: Decoder) -> None:
    frames, way = filmed(HAND)
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    turned = replace(felt(way), gyro=felt(way).gyro @ quarter.T)
    assert judged(frames, turned, decoder).reason == "motion_disagrees"
    assert judged(frames, turned, decoder, outside=True).reason == "motion_agrees"


@pytest.mark.parametrize("seed", range(3))
def test_the_same_turns_by_another_hand_disagree(seed: int, decoder: Decoder) -> None:
    way = path(2.5, 60, pan="LU", back=True)
    frames = film(scene(), way, fps=8)
    assert judged(frames, felt(way), decoder).llr > 1
    slower = path(2.75, 61 + seed, pan="LU", back=True)
    assert judged(frames, felt(slower), decoder).llr < -2
    in_time = path(2.5, 61 + seed, pan="LU", back=True)  # the same strokes: only the tremor tells
    assert judged(frames, felt(in_time), decoder).llr < -0.5


@pytest.mark.parametrize("seed", range(3))
def test_a_step_aside_after_the_turns_is_no_turn(seed: int, decoder: Decoder) -> None:
    way = then(path(2.5, 70 + seed, pan="RD", back=True), path(0.8, 80 + seed, sidestep=0.2))
    outcome = judged(film(scene(), way, fps=8), felt(way), decoder)
    assert outcome.reason == "motion_agrees"
    assert outcome.llr > 1


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


def fit(value: float, typical: float, **changes: object) -> Agreement:
    none = np.zeros((0, 3))
    found = Agreement(value, typical, 0.2, 0.0, "device_0", 1.0, False, none, none)
    return replace(found, **changes)  # type: ignore[arg-type]


def test_a_lens_longer_than_any_that_is_compared_says_nothing(decoder: Decoder) -> None:
    """It shows turns four times as large: no hand's, nor another's."""
    frames, way = filmed(HAND)
    sensed = felt(way)
    long = replace(sensed, gyro=sensed.gyro * np.array([0.25, 0.25, 1.0]))
    outcome = judged(frames, long, decoder)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "motion_unclear")
    assert outcome.facts["scale"] == pytest.approx(1.7, abs=0.01)


def test_a_fit_is_weighed() -> None:
    close = weight(fit(0.99, 0.01), one_clock=True, turned=True)
    assert close == 1.5
    assert weight(fit(0.99, 0.01, chance=0.95), one_clock=True, turned=True) == pytest.approx(0.2 * close)
    # Some pairs spoilt, as by a shift before a near thing, are not most of them.
    assert (
        weight(fit(0.8, 0.02), one_clock=True, turned=True)
        > 0
        > weight(fit(0.8, 0.2), one_clock=True, turned=True)
    )
    poor = fit(0.3, 0.5)
    assert weight(poor, one_clock=True, turned=True) == -5
    for one_clock, turned in ((True, False), (False, True)):
        assert -3.5 <= weight(poor, one_clock=one_clock, turned=turned) < -2
    late = fit(0.99, 0.01, lag=0.45)
    assert weight(late, one_clock=False, turned=True) < 0.3 * weight(
        fit(0.99, 0.01), one_clock=False, turned=True
    )


def test_without_strokes_a_poor_fit_weighs_less(decoder: Decoder) -> None:
    """No stroke was felt or seen, so a shift before near things is as large as any turn."""
    way = path(1.3, 90, sidestep=0.25)
    assert judged(film(scene(), way, fps=8), felt(way), decoder).llr > -3.6
