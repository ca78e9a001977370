"""The depth check: scenes, screens, screens of two layers, far scenes, sheets before screens."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.verification import stage
from tests.verification.bursts import Doubles, Path, Plane, case_of, felt, film, path, scene
from tests.verification.eyes import paper, sample
from verification.checks.depth import depth
from verification.evidence import Outcome, Status
from verification.picture import Decoder

SCREEN = 0.5  # metres


def judged(planes: list[Plane], way: Path, decoder: Decoder, box: Doubles | None = None) -> Outcome:
    case = case_of(film(planes, way, fps=10), None, stage.tools(decoder))
    case.code_box = box
    return depth(case)


STEP = path(2.4, 36, pan="U", back=True, degrees=10, sidestep=0.14, step_s=1.0, drift=0.005)


def stepped(
    planes: list[Plane],
    decoder: Decoder,
    box: Doubles,
    way: Path = STEP,
    asked: str = "",
    *,
    feels: bool = True,
) -> Outcome:
    """With a gyroscope, after a turn and a step to the right unless told."""
    sensed = felt(way) if feels else None
    case = case_of(film(planes, way, fps=10), sensed, stage.tools(decoder), pan=asked)
    case.code_box = box
    return depth(case)


def share(outcome: Outcome) -> float:
    return float(str(outcome.facts["share"]))


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


def test_a_sheet_that_lies_in_a_flat_picture_lends_it_no_depth(decoder: Decoder) -> None:
    plane, box = sheet(SCREEN)
    outcome = stepped([Plane(sample("coffee"), SCREEN + 1e-4), plane], decoder, box)
    assert outcome.reason == "scene_is_flat"
    assert share(outcome) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("away", [0.55, 0.7, 1.1])
def test_a_true_sheet_before_a_screen_lends_it_no_depth(away: float, decoder: Decoder) -> None:
    plane, box = sheet(0.4)
    outcome = stepped([Plane(sample("coffee"), away), plane], decoder, box)
    assert (outcome.reason, outcome.llr) == ("scene_is_flat", -3.5)
    assert share(outcome) == pytest.approx(0.4 / away, abs=0.06)


def test_two_layers_behind_a_true_sheet_are_flat(decoder: Decoder) -> None:
    plane, box = sheet(0.4)
    layers = [Plane(sample("coffee"), 0.8), Plane(sample("astronaut"), 0.72, (0.1, -0.12), 0.4)]
    assert stepped([*layers, plane], decoder, box).llr <= 0


@pytest.mark.parametrize("away", [3.0, 40.0])
def test_a_sheet_before_something_far_is_depth(away: float, decoder: Decoder) -> None:
    plane, box = sheet(0.45)
    outcome = stepped([Plane(sample("coffee"), away), plane], decoder, box)
    assert (outcome.reason, outcome.llr) == ("background_far", 1.5)
    assert share(outcome) == pytest.approx(0.45 / away, abs=0.05)


def test_a_wrist_that_swings_shows_it_as_a_step_does(decoder: Decoder) -> None:
    plane, box = sheet(0.45)
    way = path(2.4, 42, pan="LU", back=True, degrees=8, sidestep=0.1)
    assert stepped([Plane(sample("coffee"), 40.0), plane], decoder, box, way).reason == "background_far"


def test_a_near_scene_of_several_depths_has_depth(decoder: Decoder) -> None:
    plane, box = sheet(0.4)
    things = [
        Plane(sample("chelsea"), 0.6, (-0.25, -0.2), 0.25),
        Plane(sample("coffee"), 0.75, (0.3, -0.1), 0.35),
        Plane(sample("chelsea"), 0.95, (-0.35, 0.2), 0.5),
    ]
    outcome = stepped([Plane(sample("astronaut"), 1.35), *reversed(things), plane], decoder, box)
    assert (outcome.status, outcome.reason) == (Status.OK, "scene_has_depth")


def test_a_thing_before_one_plane_is_no_depth(decoder: Decoder) -> None:
    """Whoever films a print can set up as much beside it."""
    plane, box = sheet(0.4)
    thing = Plane(sample("chelsea"), 0.55, (-0.2, -0.15), 0.2)
    outcome = stepped([Plane(sample("astronaut"), 0.95), thing, plane], decoder, box)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "depth_unclear")


def test_a_wall_between_near_and_far_is_unclear(decoder: Decoder) -> None:
    plane, box = sheet(0.45)
    outcome = stepped([Plane(sample("coffee"), 1.65), plane], decoder, box)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "depth_unclear")


@pytest.mark.parametrize("away", [0.7, 8.0])
def test_a_background_without_a_point_to_follow_is_laid_over_itself(away: float, decoder: Decoder) -> None:
    """Or, where the sheet cannot be followed either, nothing is said: the sheet's own depth is none of it."""
    plane, box = sheet(0.45)
    soft = np.asarray(cv2.GaussianBlur(sample("coffee"), (0, 0), 4), np.uint8)
    outcome = stepped([Plane(soft, away), plane], decoder, box)
    assert outcome.reason in {"scene_is_flat" if away < 1 else "background_far", "no_parallax"}


def test_a_blank_background_says_nothing(decoder: Decoder) -> None:
    plane, box = sheet(0.45)
    blank = np.full_like(sample("coffee"), 150)
    assert stepped([Plane(blank, 0.7), plane], decoder, box).reason == "no_parallax"


def test_who_was_asked_to_step_and_did_not_shows_nothing(decoder: Decoder) -> None:
    plane, box = sheet(0.45)
    still = path(2.4, 36, drift=0.0)
    for asked, reason in (("LU>", "no_parallax"), ("", "scene_has_depth")):
        outcome = stepped([*scene(), plane], decoder, box, still if asked else STEP, asked, feels=bool(asked))
        assert outcome.reason == reason
