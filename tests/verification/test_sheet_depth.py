"""The sheet_depth check: sheets before scenes, codes drawn into pictures, bursts that do not say."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.verification import stage
from tests.verification.bursts import Doubles, Path, Plane, case_of, felt, film, path, scene
from tests.verification.eyes import sample
from tests.verification.test_depth import STEP, sheet
from verification.checks.sheet_depth import sheet_depth
from verification.evidence import Outcome, Status
from verification.measures.flow import Tracks, tracks_of
from verification.measures.stepping import Sheet, Stepping, stepping_of
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


def followed(way: Path, decoder: Decoder) -> tuple[Tracks, Stepping, Sheet]:
    """The sheet before a scene, followed along a path."""
    plane, box = sheet(0.45)
    case = case_of(film([*scene(), plane], way, fps=10), felt(way), stage.tools(decoder))
    case.code_box = box
    tracks = tracks_of(case)
    assert tracks is not None
    stepping = stepping_of(case, tracks)
    assert stepping.sheet is not None
    return tracks, stepping, stepping.sheet


def test_half_of_the_sheet_tells_where_it_is(decoder: Decoder) -> None:
    way = path(2.4, 44, pan="U", back=True, sidestep=-0.26, step_s=0.9)
    tracks, stepping, seen = followed(way, decoder)
    last = len(tracks.t) - 1
    assert last in seen.places
    assert seen.places[last][:, 0].max() > tracks.size[0], "the writing reaches out of the picture"
    assert stepping.course is not None
    shift = seen.shift(tracks, stepping.course, 0, last)
    travel = way.shifts[round(tracks.t[last] * 200)] - way.shifts[0]
    assert shift is not None
    assert shift[0] == pytest.approx(-travel[0] / (0.45 - travel[2]) * 0.8 * 480, abs=8)


def test_the_sheet_leans_as_the_phone_rolls(decoder: Decoder) -> None:
    way = rolled(path(2.4, 45, pan="L", back=True), np.radians(14))
    tracks, stepping, seen = followed(way, decoder)
    last = max(seen.places)
    assert last >= len(tracks.t) - 2
    assert stepping.course is not None
    edges = [seen.places[k][1] - seen.places[k][0] for k in (0, last)]
    leaning = [float(np.degrees(np.arctan2(edge[1], edge[0]))) for edge in edges]
    assert leaning[1] - leaning[0] == pytest.approx(-stepping.course.roll(0, last), abs=1.5)
    assert leaning[1] - leaning[0] < -6


def rolled(way: Path, angle: float) -> Path:
    """The same way of a hand that rolls the phone meanwhile, by so many radians in all."""
    share = np.linspace(0, 1, len(way.gyro))
    turns = np.array([cv2.Rodrigues(np.array([0, 0, angle * part]))[0] for part in share])
    rate = np.einsum("nji,nj->ni", turns, way.gyro) + np.array([0, 0, angle * 200 / len(share)])
    pull = np.einsum("nji,nj->ni", turns, way.acceleration)
    return replace(way, rotations=way.rotations @ turns, gyro=rate, acceleration=pull)


def test_a_sheet_cut_off_in_the_photo_is_found_whole_in_another_frame(decoder: Decoder) -> None:
    plane, box = sheet(0.45)
    way = path(2.4, 48, pan="L", degrees=26, back=True, sidestep=0.1, step_s=0.8)
    frames = film([*scene(), plane], way, fps=10)
    case = case_of(frames, felt(way), stage.tools(decoder))
    case.code_box = box
    tracks = tracks_of(case)
    assert tracks is not None
    course, seen = stepping_of(case, tracks).course, stepping_of(case, tracks).sheet
    assert course is not None
    assert seen is not None
    edge = tracks.size[0] - 10  # the photo is a frame in which the writing ends at the picture's edge
    cut = next(k for k, at in sorted(seen.places.items()) if at[:, 0].min() < 12 or at[:, 0].max() > edge)
    case = case_of(frames, felt(way), stage.tools(decoder), photo=frames[cut].rgb)
    case.code_box = seen.places[cut] / tracks.scale
    assert len(stepping_of(case, tracks).sheet.places) > len(frames) // 2  # type: ignore[union-attr]
