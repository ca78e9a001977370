"""The sheet_depth check: sheets before scenes, codes drawn into pictures, bursts that do not say."""

from __future__ import annotations

from tests.verification import stage
from tests.verification.bursts import Plane, case_of, film, path, scene
from tests.verification.eyes import sample
from tests.verification.test_depth import sheet
from verification.checks.sheet_depth import sheet_depth
from verification.evidence import Outcome, Status
from verification.picture import Decoder

SWUNG = path(2.4, 41, pan="LU", back=True, degrees=13, sidestep=0.05)


def judged(planes: list[Plane], decoder: Decoder, box: object, way: object = SWUNG) -> Outcome:
    case = case_of(film(planes, way, fps=10), None, stage.tools(decoder))  # type: ignore[arg-type]
    case.code_box = box  # type: ignore[assignment]
    return sheet_depth(case)


def test_a_sheet_before_a_scene_stands_out(decoder: Decoder) -> None:
    plane, box = sheet(0.45)
    outcome = judged([*scene(), plane], decoder, box)
    assert (outcome.status, outcome.reason) == (Status.OK, "sheet_stands_out")
    assert outcome.llr > 0.8


def test_a_code_in_a_flat_picture_lies_in_it(decoder: Decoder) -> None:
    plane, box = sheet(0.45)
    outcome = judged([Plane(sample("coffee"), 0.4501), plane], decoder, box)
    assert (outcome.status, outcome.reason) == (Status.OK, "sheet_lies_in_the_picture")
    assert outcome.llr == -5.0


def test_without_a_code_or_a_swing_it_says_nothing(decoder: Decoder) -> None:
    plane, box = sheet(0.45)
    assert judged([*scene(), plane], decoder, None).reason == "no_code_in_burst"
    still = path(1.3, 42)
    assert judged([*scene(), plane], decoder, box, still).reason == "no_swing"


def test_a_sheet_that_is_not_found_again_is_unclear(decoder: Decoder) -> None:
    """It was there for the photo only."""
    plane, box = sheet(0.45)
    shown, gone = film([*scene(), plane], SWUNG, fps=10), film(scene(), SWUNG, fps=10)
    case = case_of([shown[0], *gone[1:]], None, stage.tools(decoder))
    case.code_box = box
    assert sheet_depth(case).reason == "sheet_unclear"
