"""The exposure time of a turning phone, told by its blur, and what the sun's check makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import cv2
import numpy as np
import pytest

from tests.verification import stage
from tests.verification.bursts import case_of
from verification.case import Case, Frame, Sensed
from verification.checks.sun import sun
from verification.evidence import Status
from verification.measures.exposure import exposure_s
from verification.measures.flow import FOCAL
from verification.picture import Decoder

FPS, COUNT, WIDTH = 8.0, 12, 640
_PATCHES = np.random.default_rng(1).integers(40, 200, (150, 200, 3), np.uint8)


def turned(open_s: float, rate: float = 1.0, axis: int = 0) -> tuple[tuple[Frame, ...], Sensed]:
    """A phone that rests, turns there and back along an axis of the picture (0 across, 1 down), rests; with a
    sensor's noise."""
    rng = np.random.default_rng(3)
    wide = np.asarray(cv2.resize(_PATCHES, (1400, 1050), interpolation=cv2.INTER_NEAREST), np.uint8)
    rates = np.array([0, 0, 0, 1, 1, 1, -1, -1, -1, 0, 0, 0]) * rate
    t = np.arange(-0.1, COUNT / FPS + 0.1, 1 / 200)
    felt = np.zeros((len(t), 3))
    felt[:, 1 - axis] = rates[np.clip(np.round(t * FPS), 0, COUNT - 1).astype(int)]
    frames = []
    for k in range(COUNT):
        length = max(1, round(abs(rates[k]) * FOCAL * WIDTH * open_s) + 1)
        seen = cv2.blur(wide, (length, 1) if axis == 0 else (1, length))
        far = round(float(rates[:k].sum()) / FPS * FOCAL * WIDTH * 0.4)
        x, y = (380 + far, 280) if axis == 0 else (380, 280 + far)
        cut = seen[y : y + 480, x : x + 640] + rng.normal(0, 2, (480, 640, 3))
        frames.append(Frame(k / FPS, np.asarray(np.clip(cut, 0, 255), np.uint8)))
    return tuple(frames), Sensed(t, felt, np.zeros_like(felt))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("open_s", [1 / 30, 1 / 60, 1 / 120])
def test_the_time_is_read_from_the_blur(open_s: float, axis: int) -> None:
    found = exposure_s(*turned(open_s, axis=axis))
    assert found == pytest.approx(open_s, rel=0.5)


def test_a_quick_shutter_is_told_from_a_slow_one() -> None:
    quick, slow = exposure_s(*turned(1 / 1000)), exposure_s(*turned(1 / 100))
    assert quick is not None
    assert slow is not None
    assert quick < 1 / 550 < 1 / 400 < slow


def test_nothing_is_told_without_turns_without_rest_or_without_detail() -> None:
    frames, sensed = turned(1 / 100)
    assert exposure_s(*turned(1 / 100, rate=0.05)) is None
    assert exposure_s(frames[3:9], Sensed(sensed.t, sensed.gyro, sensed.acceleration)) is None
    assert exposure_s(frames[:3], sensed) is None
    plain = tuple(replace(frame, rgb=np.full_like(frame.rgb, 120)) for frame in frames)
    assert exposure_s(plain, sensed) is None


def at(case: Case, hours: float) -> Case:
    """The same case, handed in so many hours later."""
    session = case.evidence.session
    assert session.committed_at is not None
    later = replace(session, committed_at=session.committed_at + timedelta(hours=hours))
    return replace(case, evidence=replace(case.evidence, session=later))


def test_a_quick_shutter_at_night_speaks_of_day_and_a_slow_one_does_not(decoder: Decoder) -> None:
    said: dict[tuple[str, bool], set[str]] = {}
    for name, open_s in (("quick", 1 / 1000), ("slow", 1 / 100)):
        frames, sensed = turned(open_s)
        case = case_of(frames, sensed, stage.tools(decoder), photo=frames[0].rgb)
        for hours in range(24):
            outcome = sun(at(case, hours))
            said.setdefault((name, float(str(outcome.facts["elevation_deg"])) < -8), set()).add(
                outcome.reason
            )
    assert said["quick", True] == {"shutter_of_day"}
    assert said["slow", True] == {"indoors_possible"}
    assert "shutter_of_day" not in said["quick", False]


def test_a_blue_sky_says_more_than_any_shutter(decoder: Decoder) -> None:
    frames, sensed = turned(1 / 1000)
    case = case_of(frames, sensed, stage.tools(decoder), photo=frames[0].rgb)
    nights = [o for o in (sun(at(case, h)) for h in range(24)) if o.reason == "shutter_of_day"]
    assert nights
    assert all(o.status is Status.OK and o.llr == -2.0 for o in nights)
