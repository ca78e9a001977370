"""Levels of a photo against the frame laid over it: what differs, and what honest pictures do."""

from __future__ import annotations

import numpy as np
import pytest

from tests.verification.eyes import sample
from verification.measures import departure
from verification.measures.departure import Floats, departed, toned
from verification.picture import Pixels

SIZE = (320, 240)
ALL = np.ones((240, 320), bool)
PLACE = (slice(80, 130), slice(120, 180))


def scene() -> Pixels:
    """A plain wall with a soft blot on it, as a phone sees it: slow shading, and half of it texture."""
    y, x = np.mgrid[0:480, 0:640].astype(np.float32)
    wall = 150 + 25 * x / 640 - 20 * y / 480
    rgb = np.repeat(wall[..., None], 3, axis=2)
    rgb[300:, :600] = sample("coffee")[:180, :600]
    return np.asarray(np.clip(rgb, 0, 255), np.uint8)


def shot(rgb: Pixels, seed: int) -> Floats:
    """With a sensor's noise of its own."""
    noise = np.random.default_rng(seed).normal(0, 3, rgb.shape)
    return toned(np.clip(rgb + noise, 0, 255).astype(np.uint8), SIZE)


def blotted(levels: tuple[float, float, float]) -> Pixels:
    """The wall with a blot without any edge: structure has nothing to say of it."""
    y, x = np.mgrid[0:480, 0:640].astype(np.float32)
    blot = np.exp(-(((x - 300) / 44) ** 2) - ((y - 210) / 40) ** 2)
    changed = scene().astype(np.float32) + blot[..., None] * np.array(levels, np.float32)
    return np.asarray(np.clip(changed, 0, 255), np.uint8)


def test_two_pictures_of_one_wall_do_not_depart() -> None:
    assert not departed(shot(scene(), 1), shot(scene(), 2), ALL).any()


@pytest.mark.parametrize("levels", [(14.0, 14.0, 14.0), (12.0, -6.0, 0.0)])
def test_a_blot_without_edges_departs_by_level_or_by_colour(levels: tuple[float, float, float]) -> None:
    found = departed(shot(scene(), 1), shot(blotted(levels), 2), ALL)
    assert (found[PLACE] > 0).mean() > 0.1
    found[40:170, 80:220] = 0
    assert not found.any()


def test_another_exposure_and_a_lens_fall_off_are_no_departure(monkeypatch: pytest.MonkeyPatch) -> None:
    y, x = np.mgrid[-1:1:480j, -1:1:640j]
    fall = (1.0 - 0.06 * (x * x + y * y))[..., None]
    other = np.clip(scene() * fall * [1.0, 0.97, 0.93], 0, 255).astype(np.uint8)
    assert not departed(shot(scene(), 1), shot(other, 2), ALL).any()
    monkeypatch.setattr(departure, "_evened", lambda _here, laid, _full: laid)
    monkeypatch.setattr(departure, "_usual", lambda around, _slope, _full: np.zeros_like(around))
    assert departed(shot(scene(), 1), shot(other, 2), ALL).any()


def test_a_picture_laid_wrong_by_a_pixel_does_not_depart(monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = shot(scene(), 1), np.roll(shot(scene(), 2), (1, 1), (0, 1))
    inner = np.zeros_like(ALL)
    inner[12:-12, 12:-12] = True
    assert (departed(here, there, inner) > 0).mean() < 0.015
    monkeypatch.setattr(departure, "REACH", 1)
    monkeypatch.setattr(departure, "_usual", lambda around, _slope, _full: np.zeros_like(around))
    assert (departed(here, there, inner) > 0).mean() > 0.05


def test_where_the_frame_does_not_reach_nothing_departs() -> None:
    reach = ALL.copy()
    reach[60:150, 100:200] = False
    assert not departed(shot(scene(), 1), shot(blotted((14.0, 14.0, 14.0)), 2), reach)[60:150, 100:200].any()
    nowhere = np.zeros_like(ALL)
    assert not departed(shot(scene(), 1), shot(blotted((14.0, 14.0, 14.0)), 2), nowhere).any()


def test_a_small_picture_is_enlarged_and_a_large_one_averaged() -> None:
    grey = np.full((60, 80, 3), 90, np.uint8)
    assert (
        toned(grey, SIZE).shape == toned(np.full((960, 1280, 3), 90, np.uint8), SIZE).shape == (240, 320, 3)
    )
