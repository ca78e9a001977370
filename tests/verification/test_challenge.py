"""The challenge check: the code in the scene, another code, no code, half a code."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from core.errors import Unavailable
from tests.fakes.seeing import BlindEngine, EmptyMemory, MuteReader
from tests.verification import stage
from tests.verification.eyes import paper, picture, put, reader, sample
from tests.verification.test_reading import qr
from verification.case import Case, Tools
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
