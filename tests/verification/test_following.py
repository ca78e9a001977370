"""What was found in one picture is followed into those before and after it, and given up where it is lost."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from tests.verification.eyes import sample
from verification.following import STEPS, Reel, grey
from verification.following import _moved as moved
from verification.picture import Pixels
from verification.tracks import Area

SIZE = (360, 640)


def followed(pictures: list[Pixels], start: int, area: Area) -> list[tuple[int, Area]]:
    """The way of what was found in one picture, numbers for times."""
    reel = Reel([(float(k), np.dstack([one] * 3)) for k, one in enumerate(pictures)])
    return [(int(t), where) for t, where in reel.followed([(float(start), area)])]


def scene(name: str = "coffee") -> Pixels:
    return grey(sample(name), SIZE)


def thing() -> Pixels:
    """Something with corners, 120 x 60 pixels."""
    return np.asarray(cv2.resize(sample("astronaut")[:200, 130:330], (120, 60))[:, :, 0], np.uint8)


def at(x: float, y: float, scale: float = 1.0, onto: Pixels | None = None) -> tuple[Pixels, Area]:
    """The thing around (x, y), and where it is; before the scene unless told."""
    shown = (scene() if onto is None else onto).copy()
    small = cv2.resize(thing(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tall, wide = small.shape
    left, top = round(x - wide / 2), round(y - tall / 2)
    shown[top : top + tall, left : left + wide] = small
    edges = (left / SIZE[1], top / SIZE[0], (left + wide) / SIZE[1], (top + tall) / SIZE[0])
    return shown, edges


@pytest.mark.parametrize("start", [0, 7, 14])
def test_it_is_followed_to_both_ends_of_time(start: int) -> None:
    made = [at(120 + 25 * k, 150 + 60 * np.sin(k / 3)) for k in range(15)]
    way = followed([one for one, _ in made], start, made[start][1])
    assert [number for number, _ in way] == list(range(15))
    for number, area in way:
        assert area == pytest.approx(made[number][1], abs=0.01)


def test_what_comes_nearer_grows() -> None:
    made = [at(200 + 10 * k, 180, 1.0 + 0.08 * k) for k in range(12)]
    way = followed([one for one, _ in made], 0, made[0][1])
    assert len(way) == 12
    assert way[-1][1] == pytest.approx(made[-1][1], abs=0.02)


def test_a_camera_that_rolls_uncovers_no_corner() -> None:
    whole, (left, top, right, bottom) = at(320, 180)
    around = [cv2.getRotationMatrix2D((320, 180), 4.0 * k, 1.0) for k in range(12)]
    rolled = [cv2.warpAffine(whole, turn, SIZE[::-1], borderMode=cv2.BORDER_REFLECT) for turn in around]
    way = followed([np.asarray(one, np.uint8) for one in rolled], 0, (left, top, right, bottom))
    assert len(way) == 12
    corners = np.array([[x * 640, y * 360, 1] for x in (left, right) for y in (top, bottom)])
    for turn, (_, area) in zip(around, way, strict=True):
        x, y = (corners @ turn.T / (640, 360)).T
        assert area == pytest.approx((x.min(), y.min(), x.max(), y.max()), abs=0.012)


@pytest.mark.parametrize("name", ["coffee", "rocket", "chelsea"])
def test_what_is_behind_does_not_outvote_what_is_followed(name: str) -> None:
    """A small smooth face has few corners, and what is around it has many."""
    face = cv2.resize(sample("astronaut")[40:160, 160:270, 0], (14, 16), interpolation=cv2.INTER_AREA)
    cover = np.zeros((16, 14), np.float32)
    cv2.ellipse(cover, (7, 8), (6, 7), 0, 0, 360, 1.0, -1)
    pictures, rng = [], np.random.default_rng(1)
    for k in range(24):
        shown = scene(name).astype(np.float32)
        part = shown[150:166, 40 + 4 * k : 54 + 4 * k]
        part[:] = part * (1 - cover) + face * cover
        pictures.append(np.clip(shown + rng.normal(0, 2, SIZE), 0, 255).astype(np.uint8))
    for number, area in followed(pictures, 0, (36.5 / 640, 146 / 360, 57.5 / 640, 170 / 360)):
        assert abs((area[0] + area[2]) / 2 * 640 - 47 - 4 * number) < 7, number


def test_a_whole_picture_that_leaps_takes_it_along() -> None:
    whole, area = at(300, 180)
    leapt = np.roll(whole, 150, axis=1)
    (_, first), (_, moved) = followed([whole, leapt], 0, area)
    assert moved[0] - first[0] == pytest.approx(150 / SIZE[1], abs=0.01)


@pytest.mark.parametrize("gone", ["cut", "flat", "hidden"])
def test_it_is_given_up_where_it_is_lost(gone: str) -> None:
    first, area = at(300, 180)
    other = {"cut": scene("rocket"), "flat": np.full(SIZE, 90, np.uint8), "hidden": first.copy()}[gone]
    if gone == "hidden":
        other[90:270, 180:420] = grey(sample("rocket"), (180, 240))
    pictures = [first, first, other, first]
    assert [number for number, _ in followed(pictures, 0, area)] == [0, 1]
    assert [number for number, _ in followed(pictures, 3, area)] == [3]


def test_it_is_not_followed_out_of_the_picture() -> None:
    whole, area = at(80, 180)
    pictures = [whole[:, 40 * k :][:, :400] for k in range(5)]
    wide = (area[0] * 640 / 400, area[1], area[2] * 640 / 400, area[3])
    way = followed(pictures, 0, wide)
    assert len(way) < 5
    assert way[-1][1][2] > 0


def test_what_has_no_corner_stays_where_it_was_found() -> None:
    flat = [np.full(SIZE, 120, np.uint8)] * 3
    assert followed(flat, 1, (0.4, 0.4, 0.6, 0.6)) == [(1, (0.4, 0.4, 0.6, 0.6))]
    assert followed(flat, 1, (1.2, 0.4, 1.6, 0.6)) == [(1, (1.2, 0.4, 1.6, 0.6))]
    for outside in ((-0.6, -0.4, -0.2, -0.1), (-0.2, -0.2, -0.01, -0.01), (1.01, 0.4, 1.2, 0.6)):
        assert followed(flat, 1, outside) == [(1, outside)]
        assert followed([scene()] * 3, 1, outside) == [(1, outside)]


def test_a_film_of_many_things_takes_no_longer_than_one_of_some(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [at(120 + 25 * k, 150) for k in range(10)]
    reel = Reel([(float(k), np.dstack([one] * 3)) for k, (one, _) in enumerate(made)])
    asked: list[object] = []

    def counted(*of: Any) -> Any:
        asked.append(of)
        return moved(*of)

    monkeypatch.setattr("verification.following._moved", counted)
    ways = [reel.followed([(0.0, made[0][1])]) for _ in range(400)]
    assert len(ways[0]) == 10
    assert len(ways[-1]) == 1
    assert len(asked) == STEPS
