"""Who moves the paper instead of the phone: the pictures look alike, the accelerometer does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.verification import stage
from tests.verification.bursts import HZ, TO_DEVICE, Doubles, Path, Plane, case_of, felt, film, path
from tests.verification.eyes import sample
from tests.verification.test_depth import sheet
from verification.case import Case, Sensed
from verification.checks.depth import depth
from verification.evidence import Outcome, Status
from verification.measures.carried import Carried, carried
from verification.measures.flow import tracks_of
from verification.picture import Decoder


def aside(metres: float) -> Path:
    """A turn up and back, then a step of so many metres to the right: alike but for the step."""
    return path(2.4, 36, pan="U", back=True, degrees=10, sidestep=metres, step_s=1.0, drift=0.005)


STEPPED = aside(0.14)


def filmed(sensed: Sensed, decoder: Decoder) -> Case:
    """The pictures of a true step before something far, and whatever was felt."""
    plane, box = sheet(0.45)
    frames = film([Plane(sample("coffee"), 40.0), plane], STEPPED, fps=10)
    case = case_of(frames, sensed, stage.tools(decoder), pan="U>")
    case.code_box = box
    return case


def way(sensed: Sensed, decoder: Decoder) -> Carried:
    case = filmed(sensed, decoder)
    tracks = tracks_of(case)
    assert tracks is not None
    found = carried(case, tracks)
    assert found is not None
    return found


def judged(sensed: Sensed, decoder: Decoder) -> Outcome:
    return depth(filmed(sensed, decoder))


def test_a_step_that_was_felt_says_how_far_the_sheet_is(decoder: Decoder) -> None:
    found = way(felt(STEPPED), decoder)
    assert found.explained > 0.95
    assert found.away_m == pytest.approx(0.45, rel=0.15)


def test_a_sensor_of_the_other_sign_says_the_same(decoder: Decoder) -> None:
    """Makers differ in it; gravity tells."""
    sensed = felt(STEPPED)
    found = way(replace(sensed, acceleration=-sensed.acceleration), decoder)
    assert found.away_m == pytest.approx(0.45, rel=0.15)


@pytest.mark.parametrize("metres", [0.0, -0.14])
def test_a_phone_that_stood_still_or_went_the_other_way_was_not_carried(
    metres: float, decoder: Decoder
) -> None:
    outcome = judged(felt(aside(metres)), decoder)
    assert (outcome.status, outcome.reason) == (Status.OK, "sheet_was_moved")
    assert outcome.llr < -2


def moved_by_hand(
    went: Path, way: Doubles, away: float, decoder: Decoder, *, along: Doubles | None = None
) -> Outcome:
    """A screen so far away, while the phone goes and the sheet is moved by metres to the right [n], and the
    screen by `along`."""
    paper, box = sheet(0.45)
    frames = []
    for k, aside_m in enumerate(way):
        at = round(k / 10 * HZ)
        held = replace(paper, middle=(paper.middle[0] + aside_m, paper.middle[1]))
        still = replace(went, rotations=went.rotations[at:][:1], shifts=went.shifts[at:][:1])
        screen = Plane(sample("coffee"), away, middle=(0.0 if along is None else float(along[k]), 0.0))
        frames.append(replace(film([screen, held], still, fps=10)[0], t=k / 10))
    case = case_of(tuple(frames), felt(went), stage.tools(decoder), pan="U>")
    case.code_box = box
    return depth(case)


def test_a_screen_from_which_the_paper_is_moved_while_the_phone_goes_is_near(decoder: Decoder) -> None:
    """The background's share of the sheet's shift is small then, its distance by the phone's way is true."""
    went = aside(0.06)
    moved = (aside(0.12).shifts - aside(0.0).shifts)[:: HZ // 10, 0]
    outcome = moved_by_hand(went, -moved, 0.9, decoder)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "depth_unclear")
    assert float(str(outcome.facts["share"])) < 0.25
    assert float(str(outcome.facts["explained"])) > 0.9
    assert float(str(outcome.facts["background_m"])) == pytest.approx(0.9, rel=0.25)


def test_a_screen_that_is_carried_along_a_little_late_is_told(decoder: Decoder) -> None:
    """In step with the phone it is as far as the moon; an eighth of a second late it is not even."""
    went = aside(0.14)
    along = (went.shifts - aside(0.0).shifts)[:, 0]
    late = np.concatenate([np.zeros(round(0.125 * HZ)), along])[: len(along)]
    still = np.zeros(len(along[:: HZ // 10]))
    kept_up = moved_by_hand(went, still, 0.9, decoder, along=along[:: HZ // 10])
    outcome = moved_by_hand(went, still, 0.9, decoder, along=late[:: HZ // 10])
    assert (kept_up.status, kept_up.reason) == (Status.OK, "background_far")
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "step_uneven")


def test_a_jerk_at_last_is_no_step(decoder: Decoder) -> None:
    """Depth is read in the last frame, which alone would not weigh in the comparison of the ways."""
    went = aside(0.07)
    way = np.zeros(len(went.shifts[:: HZ // 10]))
    way[-1] = -0.09
    outcome = moved_by_hand(went, way, 0.95, decoder)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "step_not_felt")
    assert float(str(outcome.facts["explained"])) > 0.8


def test_a_burst_with_a_hole_in_it_shows_no_depth(decoder: Decoder) -> None:
    """What stood before the phone may have been changed meanwhile."""
    case = filmed(felt(STEPPED), decoder)
    case.frames = tuple(frame for frame in case.frames if not 0.45 < frame.t < 0.95)
    outcome = depth(case)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "frames_missing")
    case = filmed(felt(STEPPED), decoder)
    case.frames = tuple(frame for frame in case.frames if not 0.45 < frame.t < 0.75)
    assert depth(case).reason == "background_far"


def test_a_step_before_something_else_than_the_photo_shows_is_none(decoder: Decoder) -> None:
    """What stood behind the sheet at the shutter is let fall while the phone turns; a far scene is there."""
    paper, box = sheet(0.45)
    planes = [Plane(sample("coffee"), 0.6), Plane(sample("astronaut"), 40.0)]
    takes = [film([plane, paper], STEPPED, fps=10) for plane in planes]
    frames = tuple(takes[k >= 6][k] for k in range(len(takes[0])))
    case = case_of(frames, felt(STEPPED), stage.tools(decoder), pan="U>")
    case.code_box = box
    outcome = depth(case)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "step_elsewhere")


def test_a_sensor_that_feels_gravity_alone_proves_no_step(decoder: Decoder) -> None:
    sensed = felt(STEPPED)
    still = np.tile([0.0, 9.81, 0.0], (len(sensed.t), 1))
    outcome = judged(replace(sensed, acceleration=still), decoder)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "step_not_felt")


def test_the_rounding_of_a_browser_leaves_enough(decoder: Decoder) -> None:
    """60 readings a second, to 0.1 m/s^2 and 0.1 degrees a second."""
    kept = np.unique(np.round(np.arange(0, len(STEPPED.gyro), 200 / 60)).astype(int))
    kept = kept[kept < len(STEPPED.gyro)]
    sensed = felt(STEPPED)
    gyro = np.radians(np.round(np.degrees(sensed.gyro[kept]), 1))
    rough = Sensed(sensed.t[kept], gyro, np.round(sensed.acceleration[kept], 1))
    found = way(rough, decoder)
    assert found.explained > 0.9
    assert judged(rough, decoder).reason == "background_far"


def test_a_phone_held_sideways_is_read_in_its_own_axes(decoder: Decoder) -> None:
    quarter = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    found = way(felt(STEPPED, quarter.T @ TO_DEVICE), decoder)
    assert found.explained > 0.9
    assert found.away_m == pytest.approx(0.45, rel=0.15)


@pytest.mark.parametrize("metres", [0.04, 0.07])
def test_a_small_card_at_the_lens_before_a_screen_does_not_make_it_far(
    metres: float, decoder: Decoder
) -> None:
    (card, box), went = sheet(0.17), aside(metres)
    frames = film([Plane(sample("coffee"), 0.75), card], went, fps=10)
    case = case_of(frames, felt(went), stage.tools(decoder), pan="U>")
    case.code_box = box
    assert depth(case).llr <= 0
