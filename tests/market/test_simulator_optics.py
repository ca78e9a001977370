"""What cheats put before the camera or in its place: grids that beat, ink, two planes, pasted codes."""

from __future__ import annotations

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_image

from market.simulator import forged
from market.simulator.camera import film, render
from market.simulator.flat import Flat, LetFall, Slid, playing, printed, screen, two_layer
from market.simulator.isp import Conditions, Phone, draw_conditions, draw_phone, isp_ranges
from market.simulator.motion import hold, pan, sidestep
from market.simulator.optics import Paper, Screen
from market.simulator.sensor import Exif, expose, finish, pattern, to_light, to_srgb
from market.simulator.view import View

SIZE = (320, 240)
PLAIN = np.full((240, 320, 3), 180, np.uint8)
STILL_PHONE = Phone(readout_s=0.0, prnu=0.0, vignette=0.0)
Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def photo() -> Photo:
    whole = np.asarray(load_sample_image("china.jpg"), np.uint8)
    return np.asarray(cv2.resize(whole[:, 35:605], SIZE, interpolation=cv2.INTER_AREA), np.uint8)


def filmed(source: Flat, *, blur: float = 0.0, torch: str = "", frames: int = 1) -> list[Photo]:
    rng = np.random.default_rng(4)
    conditions = Conditions(lux=100, defocus=blur * 1280 / SIZE[0])
    shot = film(
        source,
        hold(frames, 10, rng),
        rng,
        size=SIZE,
        phone=STILL_PHONE,
        conditions=conditions,
        torch=torch,
    )
    return shot.frames


def grid(picture: Photo) -> float:
    """Contrast of what is finer than 12 pixels in a plain picture's middle, of its mean."""
    middle = picture[40:200, 60:260].astype(np.float32).mean(axis=2)
    return float((middle - cv2.GaussianBlur(middle, (0, 0), 12)).std() / middle.mean())


def on_screen(pitch: float, picture: Photo = PLAIN) -> Flat:
    steady = Screen(flicker=0.0, glare=0.0)
    return screen(picture, np.random.default_rng(1), focal=0.8, size=SIZE, pitch=pitch, surface=steady)


def test_a_screens_grid_is_seen_and_defocus_takes_it_away() -> None:
    seen = {pitch: grid(filmed(on_screen(pitch))[0]) for pitch in (0.3, 1.7, 2.6, 4.0)}
    honest = grid(render(PLAIN, code=None, seed=1, size=SIZE, phone=STILL_PHONE).frames[0])
    assert min(seen[1.7], seen[2.6], seen[4.0]) > 2.5 * honest
    assert seen[0.3] < 1.5 * honest  # finer than any lens
    assert grid(filmed(on_screen(1.7), blur=2.0)[0]) < 1.5 * honest  # the hard case


def test_moire_is_the_beat_of_grid_and_sensor() -> None:
    """A grid of one period in .97 pixels, sampled at every pixel, must beat about every 32 pixels."""
    source = on_screen(0.97 * 0.999)
    level = Flat(
        source.levels,
        np.array([-0.8, -0.6, 1.024]),
        np.array([1.6, 0, 0]),
        np.array([0, 1.2, 0]),
        Screen(columns=400 / 0.97, glare=0, flicker=0),
        source.behind,
        0.5,
    )
    light = level.look(View(np.eye(3), np.zeros(3), SIZE, 256.0))[..., 1]
    spectrum = np.abs(np.fft.rfft(light[100] - light[100].mean()))
    beat = 320 / (int(spectrum[2:].argmax()) + 2)
    assert 25 < beat < 42


def test_a_screen_is_hardly_lit_by_a_torch_but_mirrors_it(photo: Photo) -> None:
    for source, lit in ((on_screen(0.4, photo), False), (_print(photo, 0.5), True)):
        off, on = (to_light(frame).mean(axis=2) for frame in filmed(source, torch="01", frames=2))
        ratio = np.median(on[::4, ::4] / np.maximum(off[::4, ::4], 0.02))
        assert (ratio > 1.12) == lit


def _print(photo: Photo, pitch: float, kind: str = "halftone") -> Flat:
    paper = Paper(kind=kind, gloss=0.0)
    return printed(photo, np.random.default_rng(1), focal=0.8, size=SIZE, pitch=pitch, surface=paper)


@pytest.mark.parametrize("kind", ["halftone", "inkjet"])
def test_a_print_has_dots_and_keeps_the_tone(kind: str) -> None:
    fine, coarse = (filmed(_print(PLAIN, pitch, kind))[0] for pitch in (0.2, 4.0))
    assert grid(coarse) > 2 * grid(fine)
    assert abs(float(fine.mean()) - float(coarse.mean())) < 25


def test_two_layers_have_more_parallax_than_one(photo: Photo) -> None:
    views = [View(np.eye(3), np.array([x, 0, 0]), SIZE, 256.0) for x in (0.0, 0.15)]
    apart = []
    for gap in (0.001, 0.15):
        source = two_layer(photo, np.random.default_rng(2), focal=0.8, size=SIZE, gap_m=gap, pitch=0.4)
        before, after = (to_srgb(source.look(view)) for view in views)
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (before, after)]
        points = cv2.goodFeaturesToTrack(grey[0], 300, 0.01, 5)
        assert points is not None
        moved, found, _ = cv2.calcOpticalFlowPyrLK(grey[0], grey[1], points, np.zeros_like(points))
        kept = found[:, 0] > 0
        matrix, _ = cv2.findHomography(points[kept], moved[kept], cv2.RANSAC, 1.0)
        away = np.linalg.norm(cv2.perspectiveTransform(points[kept], matrix) - moved[kept], axis=2)
        apart.append(float((away > 2.5).mean()))
    assert apart[1] > apart[0] + 0.1


def test_a_playing_screen_shows_its_clip_in_time() -> None:
    clip = [np.full((240, 320, 3), level, np.uint8) for level in (40, 200)]
    source = playing(clip, np.random.default_rng(1), fps=5, focal=0.8, size=SIZE, pitch=0.4)
    rng = np.random.default_rng(4)
    frames = film(source, hold(8, 10, rng), rng, size=SIZE, phone=STILL_PHONE).frames
    bright = [frame.mean() > 110 for frame in frames]
    assert {tuple(bright[k : k + 3]) for k in range(6)} <= {
        (False, False, True),
        (False, True, True),
        (True, True, False),
        (True, False, False),
    }


def test_a_screen_that_goes_along_is_not_shifted_and_one_let_fall_is_gone(photo: Photo) -> None:
    flat = on_screen(0.4, photo)
    here = View(np.eye(3), np.zeros(3), SIZE, 0.8 * SIZE[0])
    along = 0.1 * flat.right / np.linalg.norm(flat.right)
    later = replace(here, shift=along, time=1.0)
    carried = Slid(flat, np.array([0.0, 1.0]), np.array([0.0, 0.1]))
    assert np.abs(carried.look(later) - flat.look(here)).mean() < 1e-3
    assert np.abs(flat.look(later) - flat.look(here)).mean() > 0.02
    room = on_screen(0.4)
    print_ = LetFall(flat, 0.3, room)
    assert np.array_equal(print_.look(replace(here, time=0.2)), flat.look(here))
    assert np.array_equal(print_.look(replace(here, time=0.9)), room.look(here))


def test_the_same_seed_gives_the_same_cheat(photo: Photo) -> None:
    def play(seed: int) -> bytes:
        rng = np.random.default_rng(seed)
        source = screen(photo, rng, focal=0.8, size=SIZE)
        pasted = forged.composited(photo, "K7P3QX", rng, care=0.5)
        shot = forged.virtual_camera(pasted, sidestep()(10, 10, rng), rng, care=0.9, size=SIZE)
        return film(source, hold(2, 10, rng), rng, size=SIZE, mode="web").jpeg + shot.jpeg

    assert play(1) == play(1) != play(2)


def test_a_virtual_camera_follows_a_step_as_a_plane_would(photo: Photo) -> None:
    rng = np.random.default_rng(6)
    motion = sidestep(to="R", metres=(0.19, 0.2))(8, 8, rng)
    still, near = (
        forged.virtual_camera(photo, motion, rng, care=0.0, size=SIZE, margin=1.8, away_m=away).frames
        for away in (float("inf"), 1.0)
    )
    step = round(0.8 * SIZE[0] * motion.shifts[-1, 0])
    before, after = still[-1].mean(axis=2), near[-1].mean(axis=2)
    followed = np.corrcoef(before[:, step:].ravel(), after[:, :-step].ravel())[0, 1]
    assert followed > 0.85
    assert followed > np.corrcoef(before.ravel(), after.ravel())[0, 1] + 0.1


def test_a_virtual_camera_turns_a_flat_picture_exactly(photo: Photo) -> None:
    rng = np.random.default_rng(6)
    motion = pan("R", returns=False)(8, 8, rng)
    shot = forged.virtual_camera(photo, motion, rng, care=0.0, size=SIZE, margin=1.8)
    first, last = shot.frames[0], shot.frames[-1]
    lens = np.array([[256.0, 0, 159.5], [0, 256.0, 119.5], [0, 0, 1]])
    turn = lens @ motion.rotations[-1].T @ motion.rotations[0] @ np.linalg.inv(lens)
    predicted = cv2.warpPerspective(first, turn, SIZE, flags=cv2.INTER_CUBIC)
    both = cv2.warpPerspective(np.ones(first.shape[:2], np.uint8), turn, SIZE) > 0
    inner = cv2.erode(both.astype(np.uint8), np.ones((9, 9))) > 0
    assert np.corrcoef(predicted[inner].ravel(), last[inner].ravel())[0, 1] > 0.985
    still = np.corrcoef(first.ravel(), last.ravel())[0, 1]
    assert still < 0.8


def test_care_brings_a_pasted_sheet_nearer_to_the_truth(photo: Photo) -> None:
    noisy = expose(to_light(photo), np.random.default_rng(3), conditions=Conditions(gain=4))

    def smooth(care: float) -> float:
        """Noise inside the sheet over that of the picture, mean of a few seeds."""
        ratios = []
        for seed in range(6):
            done = forged.composited(noisy, "LL", np.random.default_rng(seed), care=care, held=False)
            inside = np.abs(done.astype(int) - noisy).sum(axis=2) > 60
            inside = cv2.erode(inside.astype(np.uint8), np.ones((5, 5))) > 0
            kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
            fine = np.abs(cv2.filter2D(cv2.cvtColor(done, cv2.COLOR_RGB2GRAY).astype(np.float32), -1, kernel))
            ratios.append(np.median(fine[inside]) / np.median(fine[~inside]))
        return float(np.mean(ratios))

    assert smooth(0.0) < 0.6 * smooth(1.0)


def test_edits_change_what_they_say(photo: Photo) -> None:
    rng = np.random.default_rng(5)
    donor = np.asarray(255 - photo[::-1], np.uint8)
    for edit in (forged.spliced(photo, donor, rng), forged.retouched(photo, rng)):
        changed = (np.abs(edit.astype(int) - photo).max(axis=2) > 8).mean()
        assert 0.004 < changed < 0.5
        assert edit.shape == photo.shape
    night = forged.made_night(photo, rng)
    assert to_light(night).mean() < 0.35 * to_light(photo).mean()
    assert to_light(forged.made_day(night, rng)).mean() > 3 * to_light(night).mean()


def test_ai_like_leaves_a_checkerboard(photo: Photo) -> None:
    whole = np.asarray(cv2.resize(photo, (640, 480), interpolation=cv2.INTER_CUBIC), np.uint8)

    def checkered(picture: Photo) -> float:
        """Energy at half the sampling rate against that a little lower, across columns."""
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
        spectrum = np.abs(np.fft.rfft(grey, axis=1)).mean(axis=0)
        return float(spectrum[-1] / np.median(spectrum[-40:-8]))

    assert checkered(forged.ai_like(whole, np.random.default_rng(2))) > 2 * checkered(whole)


def test_a_sensor_has_its_own_pattern_and_it_can_be_stolen() -> None:
    one, other = Phone(seed=1), Phone(seed=2)

    def taken(phone: Phone, seed: int) -> Photo:
        plain = np.full((240, 320, 3), 0.35 + 0.02 * seed, np.float32)
        return expose(plain, np.random.default_rng(seed), phone)

    estimate = forged.fingerprint([taken(one, seed) for seed in range(16)])

    def likeness(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
        fine = [plane - cv2.GaussianBlur(plane, (0, 0), 1.0) for plane in (a, b)]
        return float(np.corrcoef(fine[0].ravel(), fine[1].ravel())[0, 1])

    assert likeness(estimate, forged.true_pattern(one, SIZE)) > 0.2
    assert abs(likeness(estimate, forged.true_pattern(other, SIZE))) < 0.03
    claimed = forged.fingerprint([forged.with_fingerprint(taken(other, 40), estimate)])
    assert likeness(claimed, forged.true_pattern(one, SIZE)) > 0.1
    assert pattern(one, (1280, 960)).std() == pytest.approx(0.01, rel=0.05)


def test_both_modes_of_the_last_step(photo: Photo) -> None:
    rng = np.random.default_rng(1)
    web = Image.open(io.BytesIO(finish(photo, "web", rng)))
    native = Image.open(io.BytesIO(finish(photo, "native", rng, Exif(model="S9"))))
    assert not web.getexif()
    assert native.getexif()[272] == "S9"
    with pytest.raises(ValueError, match="mode"):
        finish(photo, "fax", rng)


def test_calibration_and_report_share_no_phone_but_the_same_span() -> None:
    ours, theirs = isp_ranges("calibration"), isp_ranges("reported")
    for key, slices in ours.items():
        for low, high in slices:
            assert all(high < a or b < low for a, b in theirs[key])
    drawn = [draw_phone(seed, ours) for seed in range(200)]
    for key, slices in ours.items():
        values = [getattr(phone, key) for phone in drawn]
        assert all(any(low <= value <= high for low, high in slices) for value in values)
        assert min(values) < slices[0][1]
        assert max(values) > slices[-1][0]
    assert drawn[3] == draw_phone(3, ours) != draw_phone(3, theirs)
    with pytest.raises(ValueError, match="sets"):
        isp_ranges("both")


def test_night_is_noisier() -> None:
    rng = np.random.default_rng(1)
    day, night = (draw_conditions(kind, rng) for kind in ("outdoor", "night"))
    plain = np.full((120, 160, 3), 0.3, np.float32)
    noise = [expose(plain, rng, Phone(), here)[40:80, 60:100].std() for here in (day, night)]
    assert noise[1] > 1.5 * noise[0]
