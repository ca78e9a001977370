"""Whose photo shows something else than the step was made before: cut out, let fall, by a long lens."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.verification import stage
from tests.verification.bursts import HZ, Doubles, Path, Plane, case_of, felt, film, path
from tests.verification.eyes import sample
from tests.verification.test_carried import STEPPED
from tests.verification.test_depth import sheet
from verification.case import Case
from verification.checks.depth import depth
from verification.evidence import Status
from verification.measures.flow import tracks_of
from verification.measures.placing import photo_in_frame
from verification.measures.step_taken import Step, step_taken
from verification.picture import Decoder, Pixels


def before(decoder: Decoder, *planes: Plane, cut: tuple[float, float] = (1.0, 1.0)) -> Case:
    """A true step before the planes; the photo is so much of the first frame's middle, right and down."""
    paper, box = sheet(0.45)
    frames = film([*planes, paper], STEPPED, fps=10)
    whole = frames[0].rgb
    right, down = (round(side * (1 - part) / 2) for side, part in zip(whole.shape[1::-1], cut, strict=True))
    photo = np.ascontiguousarray(whole[down : whole.shape[0] - down, right : whole.shape[1] - right])
    case = case_of(frames, felt(STEPPED), stage.tools(decoder), pan="U>", photo=photo)
    case.code_box = box - np.array([right, down])
    return case


def writing(went: Path, frame: int) -> Doubles:
    """Where the writing of `sheet(0.45)` is seen in a frame, float64[4, 2]."""
    half = np.array([0.36 * 0.21, 0.06 * 0.21, 0.0])
    corners = np.array([0.02, 0.03, 0.45]) + half * np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)])
    at = round(frame / 10 * HZ)
    seen = (corners - went.shifts[at]) @ went.rotations[at]
    return np.asarray(seen[:, :2] / seen[:, 2:] * 0.8 * 480 + np.array([239.5, 179.5]))


def doubted(case: Case) -> Step:
    tracks = tracks_of(case)
    assert tracks is not None
    return step_taken(case, tracks, 0.0, far=True)


def test_a_photo_cut_out_of_the_frames_view_shows_no_depth(decoder: Decoder) -> None:
    """A print may fill it, and a true room be beside it in the frames."""
    far = Plane(sample("coffee"), 40.0)
    whole, cut = before(decoder, far), before(decoder, far, cut=(0.7, 0.7))
    assert photo_in_frame(whole) == pytest.approx(1.0, abs=0.02)
    assert photo_in_frame(cut) == pytest.approx(0.49, abs=0.03)
    assert depth(whole).reason == "background_far"
    outcome = depth(cut)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "photo_is_a_part")


@pytest.mark.parametrize(("wide", "reason"), [(0.62, "photo_is_a_part"), (0.8, "background_far")])
def test_what_a_photo_shows_beyond_its_frame_makes_up_for_nothing(
    wide: float, reason: str, decoder: Decoder
) -> None:
    """A narrow photo that is higher than the frames: the margins beside it are the frames' alone."""
    case = before(decoder, Plane(sample("coffee"), 40.0), cut=(wide, 1.0))
    case.frames = tuple(replace(frame, rgb=frame.rgb[40:-40]) for frame in case.frames)
    assert photo_in_frame(case) == pytest.approx(wide, abs=0.03)
    assert depth(case).reason == reason


def test_a_sheet_that_leaves_no_view_shows_no_depth(decoder: Decoder) -> None:
    """What is below the writing counts as hand: a print could be there."""
    paper, box = sheet(0.45)
    large, middle = replace(paper, middle=(0.02, -0.07), width=0.36), box.mean(axis=0)
    moved = np.array([0.0, -0.1 * 0.8 * 480 / 0.45])
    frames = film([Plane(sample("coffee"), 40.0), large], STEPPED, fps=10)
    case = case_of(frames, felt(STEPPED), stage.tools(decoder), pan="U>")
    case.code_box = (box - middle) * 0.36 / paper.width + middle + moved
    outcome = depth(case)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "sheet_fills_view")


@pytest.mark.parametrize("frame", [0, 22])
def test_a_photo_taken_once_the_step_is_made_ties_it_to_nothing(frame: int, decoder: Decoder) -> None:
    """From then on nothing is shifted: a print would stay where the room does."""
    paper, _ = sheet(0.45)
    room, flat = Plane(sample("coffee"), 40.0), Plane(sample("astronaut"), 0.9, width=0.75)
    frames = film([room, flat, paper], STEPPED, fps=10)
    case = case_of(frames, felt(STEPPED), stage.tools(decoder), pan="U>", photo=frames[frame].rgb)
    case.code_box = writing(STEPPED, frame)
    assert doubted(case).doubt == "step_elsewhere"


def test_a_print_in_a_true_room_does_not_stay_where_the_room_does(decoder: Decoder) -> None:
    """It fills half of the view; most that can be followed is the room's."""
    case = before(decoder, Plane(sample("coffee"), 40.0), Plane(sample("astronaut"), 0.9, width=0.75))
    found = doubted(case)
    assert found.doubt == "step_elsewhere"
    assert float(str(found.facts["still"])) < 0.75


def test_a_print_that_leaves_a_margin_and_is_let_fall_is_missed(decoder: Decoder) -> None:
    paper, box = sheet(0.45)
    room = Plane(sample("coffee"), 40.0)
    takes = [
        film([room, *more, paper], STEPPED, fps=10)
        for more in ([Plane(sample("astronaut"), 0.6, width=0.6)], [])
    ]
    frames = tuple(takes[k >= 6][k] for k in range(len(takes[0])))
    case = case_of(frames, felt(STEPPED), stage.tools(decoder), pan="U>")
    case.code_box = box
    outcome = depth(case)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "step_elsewhere")
    assert 0.1 < float(str(outcome.facts["still"])) < 0.75


@pytest.mark.parametrize(
    ("lens", "doubt"), [(0.7, "depth_unclear"), (0.8, ""), (1.35, ""), (1.45, "depth_unclear")]
)
def test_no_depth_is_told_by_a_lens_that_no_phone_has(lens: float, doubt: str, decoder: Decoder) -> None:
    """A long one makes what is left of a turn look like the shift of something far."""
    case = before(decoder, Plane(sample("coffee"), 40.0))
    assert doubted(case).doubt == ""
    assert case.stepping is not None
    assert case.stepping.course is not None
    case.stepping.course = replace(case.stepping.course, lens=lens)
    assert doubted(case).doubt == doubt


@pytest.mark.parametrize(("zoom", "reason"), [(1.0, "background_far"), (1.5, "depth_unclear")])
def test_by_a_long_lens_what_is_far_must_be_farther(zoom: float, reason: str, decoder: Decoder) -> None:
    """A television two metres away fills its view."""
    paper, box = sheet(0.5)
    frames = film([Plane(sample("coffee"), 2.4), paper], STEPPED, fps=10)
    zoomed = tuple(replace(frame, rgb=enlarged(frame.rgb, zoom)) for frame in frames)
    case = case_of(zoomed, felt(STEPPED), stage.tools(decoder), pan="U>")
    middle = (np.array(frames[0].rgb.shape[1::-1]) - 1) / 2
    case.code_box = (box - middle) * zoom + middle
    assert depth(case).reason == reason


def enlarged(rgb: Pixels, zoom: float) -> Pixels:
    """Its middle, as large as the whole was."""
    down, right = (round(side * (1 - 1 / zoom) / 2) for side in rgb.shape[:2])
    cut = rgb[down : rgb.shape[0] - down, right : rgb.shape[1] - right]
    return np.asarray(cv2.resize(cut, rgb.shape[1::-1], interpolation=cv2.INTER_CUBIC), np.uint8)


def test_a_step_between_two_frames_is_seen_by_none(decoder: Decoder) -> None:
    """Nothing says whether what is behind went with the sheet, or was changed for something else."""
    went = path(2.4, 36, pan="U", back=True, degrees=10, sidestep=0.14, step_s=0.08, drift=0.005)
    paper, box = sheet(0.45)
    frames = film([Plane(sample("coffee"), 40.0), paper], went, fps=10)
    case = case_of(frames, felt(went), stage.tools(decoder), pan="U>")
    case.code_box = box
    found = doubted(case)
    assert found.doubt == "step_uneven"
    assert found.facts["inside"] == 0
