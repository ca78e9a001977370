"""Guided motion is geometrically true: signs, gyro against flow, parallax, and what a flat source lacks."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_sample_image

from market.simulator import motion
from market.simulator.camera import Shot, film, render
from market.simulator.flat import screen
from market.simulator.isp import Phone
from market.simulator.motion import Motion, Move, hold, motion_csv, pan, sidestep
from market.simulator.scene import relief
from market.simulator.sensor import to_light
from market.simulator.view import View
from verification.checks.burst import read_motion

SIZE = (320, 240)
FPS = 10.0
GLOBAL_SHUTTER = Phone(readout_s=0.0, prnu=0.0)
FOCAL = 0.8 * SIZE[0]


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    return np.asarray(load_sample_image("china.jpg"), np.uint8)


def moved(move: Move, seed: int = 1, frames: int = 16) -> Motion:
    return move(frames, FPS, np.random.default_rng(seed))


def tracked(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[NDArray, NDArray]:  # type: ignore[type-arg]
    """Points of one frame and where they are in another, float32 [n, 2] each."""
    grey, later = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (before, after))
    corners = cv2.goodFeaturesToTrack(grey, 400, 0.005, 5)
    assert corners is not None
    there, found, _ = cv2.calcOpticalFlowPyrLK(grey, later, corners, np.zeros_like(corners))
    back, again, _ = cv2.calcOpticalFlowPyrLK(later, grey, there, np.zeros_like(corners))
    kept = (found[:, 0] > 0) & (again[:, 0] > 0) & (np.linalg.norm((back - corners)[:, 0], axis=1) < 0.3)
    return corners[kept][:, 0], there[kept][:, 0]


def off_plane(shot: Shot) -> float:
    """90th percentile of how far points are from the best homography of first and last frame, pixels."""
    here, there = tracked(shot.frames[0], shot.frames[-1])
    matrix, _ = cv2.findHomography(here, there, cv2.RANSAC, 1.0)
    expected = cv2.perspectiveTransform(here[:, None], matrix)[:, 0]
    return float(np.quantile(np.linalg.norm(expected - there, axis=1), 0.9))


@pytest.mark.parametrize(
    ("letter", "column", "sign", "flow"),
    [("L", 1, 1, (1, 0)), ("R", 1, -1, (-1, 0)), ("U", 0, 1, (0, 1)), ("D", 0, -1, (0, -1))],
)
def test_a_turn_has_the_devices_signs_and_the_scene_moves_the_other_way(
    photo: NDArray[np.uint8], letter: str, column: int, sign: int, flow: tuple[int, int]
) -> None:
    shot = render(
        photo,
        code=None,
        seed=2,
        size=SIZE,
        frames=12,
        fps=FPS,
        motion=pan(letter, returns=False, degrees=(12, 13), lever=False),
        phone=GLOBAL_SHUTTER,
    )
    sensed = read_motion(motion_csv(shot.motion))
    turned = np.degrees(sensed.gyro.sum(axis=0) / motion.GYRO_HZ)
    assert 9 < sign * turned[column] < 16
    steps = [np.median(there - here, axis=0) for here, there in (tracked(*p) for p in pairwise(shot.frames))]
    along = float(np.sum(steps, axis=0) @ flow)
    assert along == pytest.approx(FOCAL * np.radians(abs(turned[column])), rel=0.25)


def test_the_phone_feels_gravity_upwards_and_its_own_step() -> None:
    still = read_motion(motion_csv(moved(hold)))
    assert np.linalg.norm(still.acceleration, axis=1).mean() == pytest.approx(motion.GRAVITY, abs=0.2)
    assert still.acceleration[:, 1].mean() > 9
    for side, sign in (("R", 1), ("L", -1)):
        stepped = moved(sidestep(to=side, metres=(0.19, 0.2)))
        assert 0.1 < sign * (stepped.shifts[-1] - stepped.shifts[0])[0] < 0.3
        push = read_motion(motion_csv(stepped)).acceleration[:, 0]
        speed = np.cumsum(push - push.mean()) / motion.GYRO_HZ
        assert sign * speed[np.abs(speed).argmax()] > 0.05  # it speeds up that way, then slows down


def test_what_the_gyro_felt_is_what_the_poses_turned() -> None:
    for move in (hold, pan("LRU"), sidestep()):
        course = moved(move, frames=32)
        rotation = course.rotations[0]
        step = round(motion.GYRO_HZ / FPS)
        start = round(motion.LEAD_S * motion.GYRO_HZ)
        for k in range(1, 32):
            for rate in course.gyro[start + (k - 1) * step : start + k * step]:
                rotation = rotation @ cv2.Rodrigues(rate / motion.GYRO_HZ)[0]
        away = cv2.Rodrigues(course.rotations[-1].T @ rotation)[0]
        assert np.degrees(np.linalg.norm(away)) < 1.5  # 3 s of a bias of .003 rad/s


def test_a_far_scene_flows_as_the_gyro_says(photo: NDArray[np.uint8]) -> None:
    course = moved(pan("LU", lever=False), frames=24)
    far = relief(photo, SIZE, FOCAL, (1.7, 1.7))
    far = type(far)(far.picture, np.full_like(far.nearness, 1e-4), FOCAL)
    shot = film(far, course, np.random.default_rng(3), size=SIZE, phone=GLOBAL_SHUTTER)
    worst = 0.0
    for k, pair in enumerate(pairwise(shot.frames)):
        here, there = tracked(*pair)
        rays = np.column_stack([(here - (np.array(SIZE) - 1) / 2) / FOCAL, np.ones(len(here))])
        turn = course.rotations[k + 1].T @ course.rotations[k]
        seen = rays @ turn.T
        expected = seen[:, :2] / seen[:, 2:] * FOCAL + (np.array(SIZE) - 1) / 2
        worst = max(worst, float(np.median(np.linalg.norm(expected - there, axis=1))))
    assert worst < 0.5  # pixels, while the scene moves by up to 30 a frame


def test_a_sidestep_shows_parallax_in_a_scene_and_none_on_a_screen(photo: NDArray[np.uint8]) -> None:
    scene = render(
        photo, code=None, seed=5, size=SIZE, frames=10, fps=FPS, motion=sidestep(), phone=GLOBAL_SHUTTER
    )
    rng = np.random.default_rng(5)
    source = screen(photo, rng, focal=0.8, size=SIZE, pitch=0.4, fill=1.6)
    flat = film(source, sidestep()(10, FPS, rng), rng, size=SIZE, phone=GLOBAL_SHUTTER)
    assert off_plane(flat) < 0.5
    assert off_plane(scene) > 3 * off_plane(flat)


def test_a_rolling_shutter_leans_what_turns() -> None:
    grain = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    ground = relief(grain, SIZE, FOCAL, (1.3, 1.3))
    rate = np.array([0.0, 1.0, 0.0])
    views = [View(np.eye(3), np.zeros(3), SIZE, FOCAL, rate, readout) for readout in (0.0, 0.02)]
    still, rolled = (ground.look(view).mean(axis=2) for view in views)
    top, low = (
        cv2.phaseCorrelate(still[part], rolled[part])[0][0] for part in (slice(0, 40), slice(-40, None))
    )
    assert top - low == pytest.approx(FOCAL * 0.02 * 200 / 240, abs=1.0)
    assert (
        views[1].project(np.array([[0, -0.4, 1.0]]))[0, 0] > views[0].project(np.array([[0, 0.4, 1.0]]))[0, 0]
    )


def test_frame_times_rise_with_a_small_constant_lag() -> None:
    lags = []
    for seed in range(12):
        course = moved(hold, seed)
        off = course.times - (motion.LEAD_S + np.arange(16) / FPS)
        assert (np.diff(course.times) > 0).all()
        assert off.std() < 0.004
        lags.append(off.mean())
    assert 0.003 < np.std(lags) < 0.03


def test_a_browser_tells_less() -> None:
    course = moved(pan("LR"), frames=30)
    web, native = (read_motion(motion_csv(course, mode)) for mode in ("web", "native"))
    assert 1 / np.diff(web.t).mean() == pytest.approx(motion.WEB_HZ, rel=0.02)
    assert np.allclose(web.acceleration * 10, np.round(web.acceleration * 10))
    assert np.abs(np.interp(web.t, native.t, native.gyro[:, 1]) - web.gyro[:, 1]).max() < 0.01
    with pytest.raises(ValueError, match="mode"):
        motion_csv(course, "fax")


@pytest.mark.parametrize(("order", "side"), [("LU<", -1), ("RD>", 1)])
def test_a_step_comes_after_the_turns_and_stays(order: str, side: int) -> None:
    for seed in range(5):
        course = moved(pan(order, lever=False), seed, frames=26)
        across = side * course.shifts[:, 0]
        assert 0.06 < across[-1] - across[16] < 0.24
        assert np.abs(across[:16]).max() < 0.05
        turned = np.array([cv2.Rodrigues(course.rotations[0].T @ one)[0].ravel() for one in course.rotations])
        assert -side * (turned[-1] - turned[18])[1] > 0  # towards what is near, so that it stays in view


@pytest.mark.parametrize("order", ["", "LX", "lr", "<L", "L<>"])
def test_orders_are_letters(order: str) -> None:
    with pytest.raises(ValueError, match="LRUD"):
        pan(order)


def test_what_nobody_can_do_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        moved(pan("LRUDLR"), frames=10)
    with pytest.raises(ValueError, match="degrees"):
        pan("LLL", returns=False)
    with pytest.raises(ValueError, match="side"):
        sidestep(to="up")


def test_a_pan_comes_back_after_every_turn() -> None:
    course = moved(pan("LRUD"), frames=60)
    pitch, yaw = (
        np.degrees(np.array([cv2.Rodrigues(r)[0][axis, 0] for r in course.rotations])) for axis in (0, 1)
    )
    assert abs(yaw[-1] - yaw[0]) < 7
    assert -24 < yaw.min() < -8
    assert 8 < yaw.max() < 24
    assert 8 < pitch.max() < 28
    assert yaw.argmin() < yaw.argmax() < pitch.argmax() < pitch.argmin()


def test_a_torch_lights_what_is_near(photo: NDArray[np.uint8]) -> None:
    shot = render(photo, code="K7P3QX", seed=3, size=SIZE, frames=4, fps=FPS, torch="01")
    assert shot.torch == "0011"
    dark, bright = (to_light(shot.frames[k]).mean(axis=2) for k in (1, 2))
    assert shot.sheet is not None
    x, y = shot.sheet.mean(axis=0).astype(int)
    sheet = bright[y - 6 : y + 6, x - 6 : x + 6].mean() - dark[y - 6 : y + 6, x - 6 : x + 6].mean()
    sky = bright[:30].mean() - dark[:30].mean()
    assert sheet > 0.08 > 5 * abs(sky)


def test_a_wrist_swings_the_phone_and_its_own_lens_does_not() -> None:
    swung, turned = (moved(pan("R", lever=lever), seed=4, frames=12) for lever in (True, False))
    far = [float(np.ptp(course.shifts[:, 0])) for course in (swung, turned)]
    assert far[0] > far[1] + 0.01
