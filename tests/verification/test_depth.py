"""The depth check: scenes, screens, screens of two layers, far scenes, sheets before screens."""

from __future__ import annotations

import numpy as np
import pytest

from tests.verification import stage
from tests.verification.bursts import Doubles, Path, Plane, case_of, film, path, scene
from tests.verification.eyes import paper, sample
from verification.checks.depth import depth
from verification.evidence import Outcome, Status
from verification.picture import Decoder

SCREEN = 0.5  # metres


def judged(planes: list[Plane], way: Path, decoder: Decoder, box: Doubles | None = None) -> Outcome:
    case = case_of(film(planes, way, fps=10), None, stage.tools(decoder))
    case.code_box = box
    return depth(case)


def sheet(z: float) -> tuple[Plane, Doubles]:
    """A sheet with a code at `z` metres, and where its writing is in the first frame (480 x 360)."""
    focal, wide = 0.8 * 480, 0.21 * z / 0.45
    plane = Plane(paper("K7M4XP"), z, (0.02, 0.03), wide)
    half = np.array([0.36 * wide, 0.06 * wide]) * focal / z
    middle = np.array([239.5, 179.5]) + np.array([0.02, 0.03]) * focal / z
    return plane, middle + half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])


def test_there_is_no_burst(decoder: Decoder) -> None:
    assert depth(case_of((), None, stage.tools(decoder))).reason == "no_burst"


@pytest.mark.parametrize("name", ["coffee", "astronaut"])
@pytest.mark.parametrize("sidestep", [0.0, 0.08])
def test_a_scene_has_depth(name: str, sidestep: float, decoder: Decoder) -> None:
    outcome = judged(scene(name), path(1.3, 31, sidestep=sidestep), decoder)
    assert (outcome.status, outcome.reason) == (Status.OK, "scene_has_depth")
    assert outcome.llr > 0.5


@pytest.mark.parametrize("name", ["coffee", "astronaut"])
def test_a_screen_is_flat(name: str, decoder: Decoder) -> None:
    outcome = judged([Plane(sample(name), SCREEN)], path(1.3, 32, sidestep=0.06), decoder)
    assert (outcome.status, outcome.reason) == (Status.OK, "scene_is_flat")
    assert outcome.llr < -1


def test_two_layers_close_together_are_no_scene(decoder: Decoder) -> None:
    layers = [Plane(sample("coffee"), SCREEN + 0.02), Plane(sample("astronaut"), SCREEN, (0.05, 0.03), 0.2)]
    outcome = judged(layers, path(1.3, 33, sidestep=0.06), decoder)
    assert outcome.reason in {"scene_is_flat", "no_parallax"}
    assert outcome.llr <= 0


@pytest.mark.parametrize("pan", ["", "LR"])
def test_a_far_scene_says_nothing(pan: str, decoder: Decoder) -> None:
    way = path(1.3, 34, pan=pan, degrees=8, drift=0.02)
    assert judged([Plane(sample("coffee"), 40.0)], way, decoder).reason == "no_parallax"


def test_a_sheet_that_lies_in_a_flat_picture_moves_with_it(decoder: Decoder) -> None:
    plane, box = sheet(SCREEN)
    outcome = judged(
        [Plane(sample("coffee"), SCREEN + 1e-4), plane], path(1.3, 35, sidestep=0.06), decoder, box
    )
    assert outcome.reason == "sheet_moves_with_background"
    assert outcome.llr <= -1.5


def test_a_true_sheet_before_a_screen_lends_it_no_depth(decoder: Decoder) -> None:
    plane, box = sheet(0.4)
    outcome = judged([Plane(sample("coffee"), 0.7), plane], path(1.3, 36, sidestep=0.1), decoder, box)
    assert outcome.reason == "scene_is_flat"
    assert float(str(outcome.facts["sheet_px"])) > 3


def test_a_near_sheet_before_a_far_scene_is_depth(decoder: Decoder) -> None:
    plane, box = sheet(0.45)
    outcome = judged([Plane(sample("coffee"), 40.0), plane], path(1.3, 37, sidestep=0.06), decoder, box)
    assert (outcome.reason, outcome.llr) == ("scene_has_depth", 0.8)
