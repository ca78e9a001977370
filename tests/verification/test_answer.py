"""The answer check: what stands written backs an answer, and nothing else is claimed."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from tests.fakes.seeing import BlindEngine, EmptyMemory
from tests.verification import stage
from tests.verification.eyes import paper, picture, put, reader, sample
from verification.case import Case, Tools
from verification.checks.answer import answer
from verification.evidence import Json, Outcome, Status
from verification.measures.likeness import Likeness, edits, equal, number_in, rivals, text_in, written
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
    assert judged(decoder, "Closed Tonday", STRING, sign).reason == "another_reading"


def test_a_number_with_its_unit_backs_a_measured_answer(decoder: Decoder) -> None:
    display = put(sample("chelsea"), paper("21.4 kWh"), width=0.5)
    whole: dict[str, Json] = {"value": 21.4, "unit": "kWh"}
    seen = judged(decoder, whole, {"type": "object"}, display)
    assert (seen.reason, seen.llr) == ("answer_read", 2.0)
    bare = judged(decoder, 21.4, NUMBER, display)
    assert bare.reason == "answer_read"
    assert 0 < bare.llr < seen.llr, "three digits alone say less"
    near = judged(decoder, 21.5, NUMBER, display)
    assert (near.status, near.reason, near.llr) == (Status.OK, "another_reading", -2.0)
    other = judged(decoder, 87.5, NUMBER, display)
    assert (other.reason, other.llr) == ("another_reading", -0.8)
    shifted = judged(decoder, 2.14, NUMBER, display)
    assert (shifted.reason, shifted.llr) == ("answer_read", 0.5), "displays lose their point"
    assert judged(decoder, 1.4, NUMBER, display).reason == "answer_not_read", "part of a number is not it"


DOOR: dict[str, Json] = {"enum": ["open", "closed", "sold out"]}


def test_of_choices_the_one_written_speaks_for_itself_and_against_the_others(decoder: Decoder) -> None:
    sign = put(sample("coffee"), paper("SORRY, CLOSED"), width=0.6)
    right, wrong = judged(decoder, "closed", DOOR, sign), judged(decoder, "open", DOOR, sign)
    assert (right.reason, right.llr) == ("answer_read", 1.0)
    assert (wrong.reason, wrong.llr) == ("another_reading", -1.0)
    within: dict[str, Json] = {"properties": {"state": DOOR, "name": STRING}}
    assert judged(decoder, {"state": "closed", "name": "sorry"}, within, sign).reason == "answer_read"
    assert judged(decoder, "open", DOOR, sample("coffee")).reason == "answer_not_read"


@pytest.mark.parametrize(
    ("choice", "texts", "found"),
    [
        ("open", ["OPEN"], True),
        ("sold out", ["TICKETS", "SOLD", "OUT"], True),
        ("Sold-out", ["sold out!"], True),
        ("open", ["OPENING HOURS"], False),
        ("open", ["reopen"], False),
        ("sold out", ["OUT", "SOLD"], False),
        ("open", [], False),
    ],
)
def test_a_choice_is_written_by_whole_words_in_order(choice: str, texts: list[str], found: bool) -> None:
    assert written(choice, texts) is found


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": ["open"]},  # no choice
        {"enum": ["open", None]},  # what would not be written may be so
        {"enum": ["open", "no"]},
    ],
)
def test_choices_that_cannot_all_be_read_have_no_reader(decoder: Decoder, schema: dict[str, Json]) -> None:
    assert judged(decoder, "open", schema, sample("coffee")).reason == "no_reader"


def test_a_table_of_hours_says_neither(decoder: Decoder) -> None:
    table = put(sample("coffee"), paper("OPEN 9-18 CLOSED SUNDAY"), width=0.8)
    assert {judged(decoder, given, DOOR, table).reason for given in ("open", "closed", "sold out")} == {
        "answer_not_read"
    }


def test_each_part_of_an_object_must_be_read(decoder: Decoder) -> None:
    sign = put(sample("coffee"), paper("ACME 4821"), width=0.6)
    schema: dict[str, Json] = {"type": "object", "properties": {"name": STRING, "meter": {"type": "integer"}}}
    assert judged(decoder, {"name": "acme", "meter": 4821}, schema, sign).reason == "answer_read"
    assert judged(decoder, {"name": "acme", "meter": 4822}, schema, sign).reason == "another_reading"


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
    assert equal(value, spelled) is same


@pytest.mark.parametrize(
    ("value", "texts", "expected"),
    [
        (14.93, ["14,93m3"], Likeness.SAME),
        (14.93, ["v1493m3"], Likeness.POINT),
        (3.4, ["340"], Likeness.POINT),
        (4820, ["482"], Likeness.NEAR),
        (14.93, ["14,93 m3"], Likeness.SAME),
        (162.1, ["1621"], Likeness.POINT),
        (1621, ["1627"], Likeness.NEAR),
        (417, ["47"], Likeness.NEAR),
        (417, ["905"], Likeness.OTHER),
        (417, ["9"], Likeness.NOTHING),
        (7, ["8"], Likeness.NOTHING),
        (417, [], Likeness.NOTHING),
        (0, ["0.5"], Likeness.NOTHING),
    ],
)
def test_how_like_a_number_is(value: float, texts: list[str], expected: Likeness) -> None:
    assert number_in(value, texts) is expected


def test_several_numbers_say_less_and_letters_may_differ(decoder: Decoder) -> None:
    assert rivals(4821, ["4821", "4790"]) == 1
    assert rivals(4821, ["4821", "4,821", "12"]) == 0
    assert text_in("Harbour School", ["HARBOUR", "SCHOOL"]) is Likeness.SAME
    assert text_in("Harbour School", ["HARBOURSOHOOL"]) is Likeness.NEAR
    assert text_in("Cafe", ["CAFF"]) is Likeness.NOTHING, "four letters are near to much"
    assert edits("abc", "xxabdxx") == 1
    two = put(put(sample("coffee"), paper("4821"), width=0.3), paper("4821"), width=0.3)
    alone = judged(decoder, 4821, NUMBER, two)
    beside = judged(decoder, 4821, NUMBER, np.concatenate([two, put(sample("coffee"), paper("4790"))]))
    assert alone.llr > beside.llr > 0


def test_edits_are_those_of_the_plain_recursion() -> None:
    """Sellers' table cell by cell, for short words of few letters, one of them outside the basic plane."""
    chance = Random(4)
    for _ in range(300):
        wanted, line = (
            "".join(chance.choices("ab\u20ac\U0001f600", k=chance.randrange(9))) for _ in range(2)
        )
        above = [0] * (len(line) + 1)
        for row, letter in enumerate(wanted, start=1):
            here = [row]
            for column, seen in enumerate(line, start=1):
                here.append(min(above[column - 1] + (letter != seen), above[column] + 1, here[-1] + 1))
            above = here
        assert edits(wanted, line) == min(above)
