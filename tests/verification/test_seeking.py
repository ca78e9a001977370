"""A picture sought in a frame: found far away as a full search finds it, and not where it is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.verification.eyes import sample
from verification.measures.seeking import Grey, Seen, found_near, half_found

LEFT, TOP, WIDE, HIGH = 210, 130, 90, 40
SHIFT = np.array([LEFT + WIDE // 2, 0])
MIDDLE = np.array([LEFT + (WIDE - 1) / 2, TOP + (HIGH - 1) / 2])


def frame() -> Grey:
    grey = cv2.cvtColor(sample("coffee"), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (480, 320), interpolation=cv2.INTER_AREA), np.uint8)


def seen(grey: Grey) -> Seen:
    half = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return Seen(grey, np.asarray(half, np.uint8))


def cut(grey: Grey) -> Grey:
    return grey[TOP : TOP + HIGH, LEFT : LEFT + WIDE]


@pytest.mark.parametrize(("off", "reach"), [((0, 0), 8.0), ((-70, 55), 100.0), ((33, -81), 480.0)])
def test_a_far_picture_is_found_to_the_pixel(off: tuple[int, int], reach: float) -> None:
    grey = frame()
    found = found_near(seen(grey), cut(grey), MIDDLE + off, reach)
    assert found is not None
    assert found.at.tolist() == MIDDLE.tolist()
    assert (found.scale, found.whole) == (1.0, True)
    assert found.likeness == pytest.approx(1.0, abs=1e-3)


def test_a_larger_picture_is_found_at_its_size() -> None:
    grey = frame()
    small = np.asarray(cv2.resize(cut(grey), None, fx=1 / 1.05, fy=1 / 1.05, interpolation=cv2.INTER_AREA))
    found = found_near(seen(grey), small.astype(np.uint8), MIDDLE + 20, 100.0)
    assert found is not None
    assert found.scale == pytest.approx(1.05)
    assert np.abs(found.at - MIDDLE).max() <= 1


def test_what_is_not_there_or_beyond_reach_is_not_found() -> None:
    grey = frame()
    noise = np.random.default_rng(0).integers(0, 256, (HIGH, WIDE), np.uint8)
    assert found_near(seen(grey), noise, MIDDLE, 100.0) is None
    away = found_near(seen(grey), cut(grey), MIDDLE + np.array([0, 90]), 40.0)
    assert away is None or away.likeness < 0.9
    assert found_near(seen(grey), np.repeat(grey, 2, axis=0), MIDDLE, 100.0) is None, "larger than the frame"


def test_half_of_it_tells_where_its_middle_would_be() -> None:
    grey, picture = frame(), cut(frame())
    cropped = np.ascontiguousarray(grey[:, LEFT + WIDE // 2 :])
    found = half_found(seen(cropped), picture, MIDDLE - SHIFT, 0.0)
    assert found is not None
    assert not found.whole
    assert np.abs(found.at - (MIDDLE - SHIFT)).max() <= 1
