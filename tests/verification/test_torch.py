"""The torch check: scenes and screens, even gains, other patterns, night and day."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from tests.verification import stage
from tests.verification.bursts import Plane, case_of, film, path, scene
from tests.verification.eyes import sample
from verification.case import Case
from verification.checks.torch import torch
from verification.evidence import Status
from verification.picture import Decoder

ASKED = "101100"
SECONDS, FPS = 2.0, 10.0


def shone(
    pattern: str, planes: list[Plane], decoder: Decoder, *, gain: float = 0.0, night: bool = False
) -> Case:
    way = path(SECONDS, 21)
    count = int(SECONDS * FPS) + 1
    lit = [float(pattern[min(len(pattern) - 1, int(k / count * len(pattern)))] == "1") for k in range(count)]
    lamps = [0.0 if gain else 0.35 * on for on in lit]
    frames = film(planes, way, fps=FPS, lamps=lamps, gains=[0.6 * (1 + gain * on) for on in lit])
    hours = timedelta(hours=12 if night else 0)
    given = stage.photo(b"x", committed_at=stage.NOON + hours)
    return case_of(frames, None, stage.tools(decoder), evidence=given, torch=ASKED)


def test_nothing_was_asked(decoder: Decoder) -> None:
    for pattern in ("", "111", "10x"):
        assert torch(case_of((), None, stage.tools(decoder), torch=pattern)).reason == "no_torch_asked"


def test_a_short_pattern_is_met_by_chance(decoder: Decoder) -> None:
    asked = case_of((), None, stage.tools(decoder), torch="10110")
    assert torch(asked).reason == "pattern_too_short"


def test_there_is_no_burst(decoder: Decoder) -> None:
    assert torch(case_of((), None, stage.tools(decoder), torch=ASKED)).reason == "no_burst"


@pytest.mark.parametrize("name", ["coffee", "chelsea", "astronaut"])
def test_a_scene_answers(name: str, decoder: Decoder) -> None:
    outcome = torch(shone(ASKED, scene(name), decoder))
    assert (outcome.status, outcome.reason) == (Status.OK, "torch_answered")
    assert outcome.llr > 0.5


def test_a_screen_does_not(decoder: Decoder) -> None:
    screen = [Plane(sample("coffee"), 0.5, shines=True)]
    assert torch(shone(ASKED, screen, decoder)).reason == "daylight"
    at_night = torch(shone(ASKED, screen, decoder, night=True))
    assert (at_night.reason, at_night.llr) == ("torch_not_answered", -1.5)


def test_an_even_gain_is_no_lamp(decoder: Decoder) -> None:
    outcome = torch(shone(ASKED, [Plane(sample("coffee"), 0.5, shines=True)], decoder, gain=0.4))
    assert (outcome.reason, outcome.llr) == ("torch_even", -1.0)


def test_another_pattern_is_told(decoder: Decoder) -> None:
    outcome = torch(shone("01001", scene(), decoder))
    assert (outcome.reason, outcome.llr) == ("torch_not_answered", -2.0)


def test_a_dark_scene_gives_no_error(decoder: Decoder) -> None:
    black = [Plane(np.zeros((90, 120, 3), np.uint8), 1.0)]
    assert torch(shone(ASKED, black, decoder)).reason == "daylight"
