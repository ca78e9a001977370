"""The pan check: the order asked for, others, unread ones, and a gyroscope that says otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.verification import stage
from tests.verification.bursts import Plane, case_of, felt, film, path
from tests.verification.eyes import sample
from tests.verification.test_depth import sheet
from verification.case import Case
from verification.checks.pan import pan
from verification.evidence import Status
from verification.measures.flow import tracks_of
from verification.measures.stepping import stepping_of
from verification.measures.strokes import asked_strokes, followed
from verification.picture import Decoder


def turned(order: str, asked: str, decoder: Decoder, *, back: bool = False, moves: bool = True) -> Case:
    strokes = len(order) * (2 if back else 1)
    way = path(0.6 * strokes, 11, pan=order, back=back, degrees=11)
    frames = film([Plane(sample("coffee"), 5.0, width=30.0)], way, fps=10)
    sensed = felt(way) if moves else felt(path(0.6 * strokes, 12, tremor=0.2))
    return case_of(frames, sensed, stage.tools(decoder), pan=asked)


def test_nothing_was_asked(decoder: Decoder) -> None:
    assert pan(case_of((), None, stage.tools(decoder))).reason == "no_pan_asked"


def test_there_is_no_burst(decoder: Decoder) -> None:
    assert pan(case_of((), None, stage.tools(decoder), pan="LU")).reason == "no_burst"


@pytest.mark.parametrize("order", ["LUR", "DRU", "RDL"])
@pytest.mark.parametrize("back", [False, True])
def test_the_order_asked_for_is_read(order: str, back: bool, decoder: Decoder) -> None:
    outcome = pan(turned(order, order, decoder, back=back))
    assert (outcome.status, outcome.reason) == (Status.OK, "pan_followed")
    assert outcome.llr == 3.0
    assert outcome.facts["chance"] == pytest.approx(2 / 64, rel=0.05)


@pytest.mark.parametrize(("order", "asked"), [("LUR", "RUL"), ("DRU", "DRD"), ("UL", "LU")])
def test_another_order_is_proof(order: str, asked: str, decoder: Decoder) -> None:
    outcome = pan(turned(order, asked, decoder))
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "wrong_pan")


def test_a_turn_made_a_third_as_large_as_the_others_is_one(decoder: Decoder) -> None:
    case = turned("LUR", "LUR", decoder)
    assert case.sensed is not None
    whole = pan(case)
    gyro = case.sensed.gyro.copy()
    gyro[:, :2] *= [0.5, 1.3]  # a turn upward of a third of the others
    weak = turned("LUR", "LUR", decoder)
    weak.sensed = replace(case.sensed, gyro=gyro)
    outcome = pan(weak)
    assert (outcome.status, outcome.reason) == (Status.OK, "pan_followed")
    assert outcome.facts["chance"] == pytest.approx(2 * float(str(whole.facts["chance"])), rel=0.05)


def test_a_swing_too_many_is_left_unread(decoder: Decoder) -> None:
    assert pan(turned("DLUR", "LUR", decoder)).reason == "pan_unclear"


def test_too_few_swings_are_left_unread(decoder: Decoder) -> None:
    assert pan(turned("L", "LUR", decoder)).reason == "pan_unclear"


def test_a_gyroscope_that_felt_otherwise_leaves_it_unread(decoder: Decoder) -> None:
    assert pan(turned("LUR", "LUR", decoder, moves=False)).reason == "pan_unclear"


def moved(asked: str, decoder: Decoder, *, step: float, away: float = 2.0, held: bool = True) -> Case:
    """Two turns there and back and then a step (metres, to the right), a sheet before a wall."""
    way = path(3.2, 14, pan=asked[:2], back=True, degrees=11, sidestep=step, step_s=0.8, drift=0.01)
    plane, box = sheet(0.45)
    frames = film([Plane(sample("coffee"), away), *([plane] if held else [])], way, fps=10)
    case = case_of(frames, felt(way), stage.tools(decoder), pan=asked)
    case.code_box = box if held else None
    return case


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize(("asked", "step"), [("LU>", 0.14), ("DR<", -0.14), ("RL<", -0.12)])
def test_a_step_after_the_turns_is_read(asked: str, step: float, held: bool, decoder: Decoder) -> None:
    outcome = pan(moved(asked, decoder, step=step, held=held))
    assert (outcome.status, outcome.reason) == (Status.OK, "pan_followed")
    assert outcome.facts["chance"] == pytest.approx(1 / 16, rel=0.05)
    assert float(str(outcome.facts["step_px"])) * step < 0


def test_a_step_before_something_near_is_not_taken_for_a_turn(decoder: Decoder) -> None:
    assert pan(moved("LU>", decoder, step=0.14, away=0.6)).reason == "pan_followed"


def test_a_plain_step_to_the_other_side_is_proof(decoder: Decoder) -> None:
    outcome = pan(moved("LU<", decoder, step=0.14))
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "wrong_pan")


def test_other_writing_followed_for_the_sheet_is_no_proof(decoder: Decoder) -> None:
    """From mid-turn on something else is followed, which lies elsewhere in the picture."""
    case = moved("LU<", decoder, step=0.14)
    tracks = tracks_of(case)
    assert tracks is not None
    stepping = stepping_of(case, tracks)
    assert stepping.sheet is not None
    stepping.sheet.places.update(
        {k: box - (150.0, 150.0) for k, box in stepping.sheet.places.items() if k > len(tracks.t) // 3}
    )
    outcome = pan(case)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "step_unclear")
    assert float(str(outcome.facts["step_px"])) < 0


def test_a_step_that_is_not_seen_is_left_unread(decoder: Decoder) -> None:
    assert pan(moved("LU>", decoder, step=0.0)).reason == "step_unclear"
    assert pan(moved("LU>", decoder, step=0.14, away=60.0, held=False)).reason == "step_unclear"
    assert pan(moved("LU<", decoder, step=0.14, held=False)).reason == "step_unclear"


def test_turns_that_no_texture_shows_are_read_from_the_gyroscope(decoder: Decoder) -> None:
    case = turned("LU", "LU", decoder, back=True)
    tracks = tracks_of(case)
    assert tracks is not None
    turns = tracks.turns.copy()
    turns[len(turns) // 2 :] = np.nan
    half = replace(tracks)
    half.__dict__["turns"] = turns
    case.tracks = half
    assert pan(case).reason == "pan_followed"


def test_two_ways_of_swinging() -> None:
    assert followed("LR", "LRRL")
    assert followed("LR", "LRL")
    assert followed("LU", "LU")
    assert followed("LU", "LRUD")
    assert followed("LU", "LRU")
    assert not followed("LU", "UL")
    assert not followed("LU", "LUD")


def test_where_no_point_can_be_followed_the_whole_picture_tells_the_turn(decoder: Decoder) -> None:
    case = turned("LU", "LU", decoder, back=True)
    tracks = tracks_of(case)
    assert tracks is not None
    lost = replace(tracks, xy=np.full_like(tracks.xy, np.nan))
    assert np.abs(lost.turns - tracks.turns)[:, :2].max() < 0.02
    case.tracks = lost
    assert pan(case).reason == "pan_followed"
    blank = replace(lost, greys=tuple(np.full_like(grey, 90) for grey in lost.greys))
    assert np.isnan(blank.turns).all()


@pytest.mark.parametrize(
    ("turns", "read", "stepped", "used"),
    [
        ("LR", "LRRL", True, 4),
        ("LR", "LRRLL", True, 4),  # the fifth is the turn of the step, the same way as the last return
        ("LR", "LRRLL", False, 5),
        ("UL", "UDLRR", True, 4),
        ("UL", "UDLRL", True, 4),
        ("UL", "UDL", True, 3),  # the last return lies beyond the burst
        ("UL", "ULL", True, 2),
        ("UL", "DULR", True, 0),
    ],
)
def test_the_turn_of_the_step_is_none_of_the_turns_asked(
    turns: str, read: str, stepped: bool, used: int
) -> None:
    assert asked_strokes(turns, list(read), stepped=stepped) == used
