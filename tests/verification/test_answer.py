"""The answer check: what stands written backs an answer, and nothing else is claimed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.seeing import BlindEngine, EmptyMemory
from tests.verification import stage
from tests.verification.eyes import paper, picture, put, reader, sample
from verification.case import Case, Tools
from verification.checks import answer as module
from verification.checks.answer import answer
from verification.evidence import Json, Outcome, Status
from verification.picture import Decoder, Pixels
from verification.trust import TrustList

STRING: dict[str, Json] = {"type": "string"}
NUMBER: dict[str, Json] = {"type": "number"}


def judged(decoder: Decoder, given: Json, schema: dict[str, Json], rgb: Pixels | None) -> Outcome:
    evidence = replace(stage.photo(b"x", ask=stage.terms(answer_schema=schema)), answer=given)
    tools = Tools(decoder, EmptyMemory(), BlindEngine(), reader(), TrustList())
    return answer(Case(evidence, tools, picture(rgb) if rgb is not None else None))


def test_it_speaks_only_where_it_can_read(decoder: Decoder) -> None:
    blank = sample("coffee")
    assert judged(decoder, None, STRING, blank).reason == "nothing_asked"
    assert judged(decoder, "open", {}, blank).reason == "nothing_asked"
    assert judged(decoder, "ACME", STRING, None).reason == "no_picture"
    assert judged(decoder, True, {"type": "boolean"}, blank).reason == "no_reader"
    assert judged(decoder, 3, {"type": "integer"}, blank).reason == "no_reader", "a count"
    assert judged(decoder, "yes", {"enum": ["yes", "no"]}, blank).reason == "no_reader"
    assert judged(decoder, "no", STRING, blank).reason == "no_reader", "two letters are found anywhere"


def test_a_word_on_a_sign_backs_a_text_answer(decoder: Decoder) -> None:
    sign = put(sample("coffee"), paper("CLOSED MONDAY"), width=0.6)
    seen = judged(decoder, "Closed Monday", STRING, sign)
    assert (seen.status, seen.reason) == (Status.OK, "answer_read")
    assert seen.llr == 2.5
    unseen = judged(decoder, "Open daily", STRING, sign)
    assert (unseen.status, unseen.reason) == (Status.ABSTAIN, "answer_not_read")


def test_a_number_with_its_unit_backs_a_measured_answer(decoder: Decoder) -> None:
    display = put(sample("chelsea"), paper("21.4 kWh"), width=0.5)
    whole: dict[str, Json] = {"value": 21.4, "unit": "kWh"}
    seen = judged(decoder, whole, {"type": "object"}, display)
    assert (seen.reason, seen.llr) == ("answer_read", 2.0)
    bare = judged(decoder, 21.4, NUMBER, display)
    assert bare.reason == "answer_read"
    assert 0 < bare.llr < seen.llr, "three digits alone say less"
    assert judged(decoder, 21.5, NUMBER, display).reason == "answer_not_read"
    assert judged(decoder, 1.4, NUMBER, display).reason == "answer_not_read", "part of a number is not it"


def test_each_part_of_an_object_must_be_read(decoder: Decoder) -> None:
    sign = put(sample("coffee"), paper("ACME 4821"), width=0.6)
    schema: dict[str, Json] = {"type": "object", "properties": {"name": STRING, "meter": {"type": "integer"}}}
    assert judged(decoder, {"name": "acme", "meter": 4821}, schema, sign).reason == "answer_read"
    assert judged(decoder, {"name": "acme", "meter": 4822}, schema, sign).reason == "answer_not_read"


@pytest.mark.parametrize(
    ("value", "spelled", "same"),
    [
        (1013.5, "1,013.5", True),
        (1013.5, "1.013,5", True),
        (21.4, "21,4", True),
        (1013, "1,013", True),
        (-5, "\u22125", True),
        (21.4, "214", False),
        (7, "1.2.3", False),
    ],
)
def test_spellings_of_numbers(value: float, spelled: str, same: bool) -> None:
    assert module._equal(value, spelled) is same
