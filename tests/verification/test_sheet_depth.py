"""The sheet_depth check: sheets before scenes, codes drawn into pictures, bursts that do not say."""

from __future__ import annotations

import pytest

from tests.verification import stage
from tests.verification.bursts import Doubles, Path, Plane, case_of, felt, film, path, scene
from tests.verification.eyes import sample
from tests.verification.test_depth import STEP, sheet
from verification.checks.sheet_depth import sheet_depth
from verification.evidence import Outcome, Status
from verification.measures.flow import tracks_of
from verification.measures.stepping import stepping_of
from verification.picture import Decoder

SWUNG = path(2.4, 41, pan="LU", back=True, degrees=13, sidestep=0.05)


def judged(
    planes: list[Plane], decoder: Decoder, box: Doubles | None, way: Path = SWUNG, *, feels: bool = True
) -> Outcome:
    case = case_of(film(planes, way, fps=10), felt(way) if feels else None, stage.tools(decoder))
    case.code_box = box
    return sheet_depth(case)


@pytest.mark.parametrize("way", [SWUNG, STEP])
def test_a_sheet_before_a_scene_stands_out(way: Path, decoder: Decoder) -> None:
    plane, box = sheet(0.45)
    outcome = judged([*scene(), plane], decoder, box, way)
    assert (outcome.status, outcome.reason) == (Status.OK, "sheet_stands_out")
    assert outcome.llr == 0.3  # a true sheet before a screen does so too


@pytest.mark.parametrize("way", [SWUNG, STEP])
def test_a_code_in_a_flat_picture_lies_in_it(way: Path, decoder: Decoder) -> None:
    plane, box = sheet(0.45)
    outcome = judged([Plane(sample("coffee"), 0.4501), plane], decoder, box, way)
    assert (outcome.status, outcome.reason) == (Status.OK, "sheet_lies_in_the_picture")
    assert outcome.llr == -5.0


def test_without_a_code_a_gyroscope_or_a_swing_it_says_nothing(decoder: Decoder) -> None:
    plane, box = sheet(0.45)
    assert judged([*scene(), plane], decoder, None).reason == "no_code_in_burst"
    assert judged([*scene(), plane], decoder, box, feels=False).reason == "no_gyroscope"
    still = path(1.3, 42, drift=0.0)
    assert judged([*scene(), plane], decoder, box, still).reason == "no_swing"


def test_a_sheet_that_is_not_found_again_is_unclear(decoder: Decoder) -> None:
    """It was there for the photo only."""
    plane, box = sheet(0.45)
    shown, gone = film([*scene(), plane], SWUNG, fps=10), film(scene(), SWUNG, fps=10)
    case = case_of([shown[0], *gone[1:]], felt(SWUNG), stage.tools(decoder))
    case.code_box = box
    assert sheet_depth(case).reason == "sheet_unclear"


def test_the_sheet_is_followed_out_of_the_picture_and_back(decoder: Decoder) -> None:
    plane, box = sheet(0.45)
    way = path(3.0, 43, pan="UL", back=True, degrees=24, sidestep=0.12, step_s=0.8)
    case = case_of(film([*scene(), plane], way, fps=10), felt(way), stage.tools(decoder))
    case.code_box = box
    tracks = tracks_of(case)
    assert tracks is not None
    stepping = stepping_of(case, tracks)
    assert stepping.course is not None
    assert stepping.sheet is not None
    last = len(tracks.t) - 1
    assert set(range(len(tracks.t))) - set(stepping.sheet.places)  # it was out of it
    shift = stepping.sheet.shift(tracks, stepping.course, 0, last)
    assert shift is not None
    travel = way.shifts[round(tracks.t[last] * 200)] - way.shifts[0]
    assert shift[0] == pytest.approx(-travel[0] / 0.45 * 0.8 * 480, abs=8)
    assert stepping.course.focal == pytest.approx(0.8, abs=0.12)
