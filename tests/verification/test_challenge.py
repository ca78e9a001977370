"""The challenge check: the code in the scene, another code, no code, half a code."""

from __future__ import annotations

import random
from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.errors import Unavailable
from tests.fakes.seeing import BlindEngine, EmptyMemory, MuteReader
from tests.verification import stage
from tests.verification.eyes import paper, picture, put, reader, sample
from tests.verification.test_reading import qr
from verification.case import Case, Frame, Tools
from verification.checks.challenge import challenge
from verification.codes import new_code
from verification.evidence import Outcome, Status
from verification.picture import Decoder, Pixels
from verification.trust import TrustList
from verification.writing import Text


def judged(rgb: Pixels | None, code: str, decoder: Decoder) -> Outcome:
    evidence = stage.photo(b"x", code=code)
    tools = Tools(decoder, EmptyMemory(), BlindEngine(), reader(), TrustList())
    return challenge(Case(evidence, tools, picture(rgb) if rgb is not None else None))


def test_no_code_was_asked_for(decoder: Decoder) -> None:
    outcome = judged(sample("coffee"), "", decoder)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "no_challenge_asked")


def test_there_is_no_picture(decoder: Decoder) -> None:
    assert judged(None, "K7M4XP", decoder).reason == "no_picture"


@pytest.mark.parametrize(("scene", "seed"), [("coffee", 1), ("chelsea", 2), ("astronaut", 3), ("rocket", 4)])
def test_the_code_on_paper_is_seen(scene: str, seed: int, decoder: Decoder) -> None:
    code = new_code(random.Random(seed))
    outcome = judged(put(sample(scene), paper(code), tilt=4 * seed - 10), code, decoder)
    assert (outcome.status, outcome.reason, outcome.llr) == (Status.OK, "code_seen", 3.0)
    chance, height = outcome.facts["chance"], outcome.facts["height_px"]
    assert isinstance(chance, float)
    assert chance < 1e-4
    assert isinstance(height, int)
    assert 20 < height < 250


def test_a_qr_code_of_it_will_do(decoder: Decoder) -> None:
    outcome = judged(put(sample("coffee"), qr("K7M4XP"), width=0.3), "K7M4XP", decoder)
    assert outcome.reason == "code_seen"
    assert outcome.facts["kind"] == "code"


@pytest.mark.parametrize("seed", range(4))
def test_another_code_is_not_it(seed: int, decoder: Decoder) -> None:
    source = random.Random(100 + seed)
    outcome = judged(put(sample("coffee"), paper(new_code(source))), new_code(source), decoder)
    assert (outcome.status, outcome.reason, outcome.llr) == (Status.HARD_FAIL, "code_not_seen", 0.0)


def test_a_scene_without_it_speaks_against(decoder: Decoder) -> None:
    outcome = judged(sample("chelsea"), "K7M4XP", decoder)
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "code_not_seen")


def test_half_a_code_is_left_to_a_person(decoder: Decoder) -> None:
    outcome = judged(put(sample("coffee"), paper("K7M4")), "K7M4XP", decoder)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "code_unclear")


class Lines(MuteReader):
    """A reader of a scene that holds these pieces of writing, far from one another."""

    def __init__(self, *lines: str) -> None:
        corners = np.array([[0, 0], [90, 0], [90, 20], [0, 20]], np.float32)
        self.texts = [Text(line, 1.0, corners + 400 * number) for number, line in enumerate(lines)]

    def read(self, rgb: Pixels, *, quick: bool = False) -> list[Text]:
        return list(self.texts)


def test_papering_the_scene_with_codes_does_not_help(decoder: Decoder) -> None:
    near, source = "KTMYXR", random.Random(9)  # three likely misreadings of K7M4XP
    others = [new_code(source) for _ in range(40)]
    for lines, reason in (((near,), "code_seen"), ((near, *others), "code_unclear")):
        tools = Tools(decoder, EmptyMemory(), BlindEngine(), Lines(*lines), TrustList())
        case = Case(stage.photo(b"x", code="K7M4XP"), tools, picture(sample("coffee")))
        assert challenge(case).reason == reason


def test_a_reader_that_cannot_load_is_an_error_not_a_verdict(decoder: Decoder) -> None:
    class Broken:
        def read(self, rgb: Pixels, *, quick: bool = False) -> list[object]:
            raise Unavailable("no weights")

    evidence = replace(stage.photo(b"x", code="K7M4XP"))
    tools = Tools(decoder, EmptyMemory(), BlindEngine(), Broken(), TrustList())  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        challenge(Case(evidence, tools, picture(sample("coffee"))))


def blurred(rgb: Pixels, px: int = 45) -> Pixels:
    """As a hand's quick turn blurs it, along a slanting line."""
    line = np.zeros((px, px), np.float32)
    cv2.line(line, (0, px // 4), (px - 1, px - 1 - px // 4), 1.0)
    return np.asarray(cv2.filter2D(rgb, -1, line / line.sum()), np.uint8)


def beside(photo: Pixels, frames: list[Pixels], code: str, decoder: Decoder) -> tuple[Outcome, Case]:
    """The word on a photo with these frames (at half its size) about it."""
    small = [np.asarray(cv2.resize(rgb, None, fx=0.5, fy=0.5), np.uint8) for rgb in frames]
    tools = Tools(decoder, EmptyMemory(), BlindEngine(), reader(), TrustList())
    shown = tuple(Frame(k / 8, rgb) for k, rgb in enumerate(small))
    case = Case(stage.photo(b"x", code=code), tools, picture(photo), frames=shown)
    return challenge(case), case


def test_a_code_that_the_hand_blurred_is_read_in_the_frames(decoder: Decoder) -> None:
    sharp = put(sample("coffee"), paper("K7M4XP"))
    photo = blurred(sharp)
    assert judged(photo, "K7M4XP", decoder).reason == "code_not_seen"
    outcome, case = beside(photo, [photo, sharp, sharp], "K7M4XP", decoder)
    assert (outcome.reason, outcome.llr) == ("code_seen", 2.0)
    assert case.code_box is not None
    assert np.abs(case.code_box.mean(axis=0) - np.array([640, 427])).max() < 40


def test_a_code_in_the_frames_alone_is_not_in_the_photo(decoder: Decoder) -> None:
    bare, other = sample("coffee"), put(sample("coffee"), paper("HW9RCF"))
    frames = [put(sample("coffee"), paper("K7M4XP"))] * 3
    bare = np.asarray(cv2.resize(bare, (1280, 853)), np.uint8)
    for photo in (bare, other, put(sample("rocket"), paper("HW9RCF"))):
        outcome, case = beside(photo, frames, "K7M4XP", decoder)
        assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "code_not_seen")
        assert case.code_box is None


def test_what_the_hand_blurred_may_be_another_code(decoder: Decoder) -> None:
    photo, sharp = (put(sample("coffee"), paper(code)) for code in ("HW9RCF", "K7M4XP"))
    outcome, _ = beside(blurred(photo), [sharp] * 3, "K7M4XP", decoder)
    assert outcome.reason != "code_seen"


def test_large_writing_on_a_busy_ground_is_read_in_a_smaller_picture(decoder: Decoder) -> None:
    class NearSighted(MuteReader):
        def read(self, rgb: Pixels, *, quick: bool = False) -> list[Text]:
            box = np.array([[9, 18], [90, 18], [90, 36], [9, 36]], np.float32)
            return [Text("K7M4XP", 1.0, box)] if max(rgb.shape) == 360 else []

    tools = Tools(decoder, EmptyMemory(), BlindEngine(), NearSighted(), TrustList())
    case = Case(stage.photo(b"x", code="K7M4XP"), tools, picture(sample("coffee")))
    assert challenge(case).reason == "code_seen"
    assert case.code_box is not None
    assert np.allclose(case.code_box[2], np.array([90, 36]) * 600 / 360)
