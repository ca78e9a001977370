"""The moment check: the photo among its frames, another photo, nothing to register."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from tests.fakes.seeing import EmptyMemory, MuteReader
from tests.verification import stage
from tests.verification.bursts import Plane, case_of, film, path, scene
from tests.verification.eyes import engine, sample
from tests.verification.test_depth import sheet
from verification.case import Tools
from verification.checks.moment import moment
from verification.evidence import Outcome, Status
from verification.picture import Decoder, Pixels
from verification.trust import TrustList


def judged(photo: Pixels | None, decoder: Decoder, name: str = "coffee") -> Outcome:
    tools = Tools(decoder, EmptyMemory(), engine(), MuteReader(), TrustList())
    frames = film(scene(name), path(0.6, 41), fps=10)
    return moment(case_of(frames, None, tools, photo=frames[2].rgb if photo is None else photo))


def test_there_is_no_burst(decoder: Decoder) -> None:
    case = case_of((), None, stage.tools(decoder))
    assert moment(case).reason == "no_burst"
    assert moment(replace(case, picture=None)).reason == "no_burst"


def test_the_photo_of_the_burst_is_found(decoder: Decoder) -> None:
    outcome = judged(None, decoder)
    assert (outcome.status, outcome.reason, outcome.llr) == (Status.OK, "photo_in_burst", 0.5)


def test_a_larger_brighter_closer_photo_is_found(decoder: Decoder) -> None:
    frame = film(scene("coffee"), path(0.6, 41), fps=10, size=(960, 720))[3].rgb
    cut = np.clip(frame[60:-60, 80:-80].astype(float) * 1.25, 0, 255).astype(np.uint8)
    larger = np.asarray(cv2.resize(cut, (1200, 900), interpolation=cv2.INTER_CUBIC), np.uint8)
    assert judged(larger, decoder).reason == "photo_in_burst"


def test_a_photo_of_something_else_is_not(decoder: Decoder) -> None:
    outcome = judged(sample("astronaut"), decoder)
    assert (outcome.status, outcome.reason, outcome.llr) == (Status.OK, "photo_not_in_burst", -3.0)


def test_a_blank_photo_says_nothing(decoder: Decoder) -> None:
    assert judged(np.full((360, 480, 3), 90, np.uint8), decoder).reason == "photo_unclear"


def test_the_sheet_that_both_show_does_not_make_them_one(decoder: Decoder) -> None:
    """The same sheet, held into the burst and into a photo of another place."""
    tools = Tools(decoder, EmptyMemory(), engine(), MuteReader(), TrustList())
    plane, box = sheet(0.45)
    frames = film([*scene("coffee"), plane], path(0.6, 41), fps=10)
    other = film([Plane(sample("astronaut"), 4.0, width=8.0), plane], path(0.6, 41), fps=10)[0].rgb
    case = case_of(frames, None, tools, photo=other)
    case.code_box = box
    assert moment(case).reason == "photo_not_in_burst"
    mine = case_of(frames, None, tools, photo=frames[0].rgb)
    mine.code_box = box
    assert moment(mine).reason == "photo_in_burst"
