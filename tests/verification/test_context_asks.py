"""What a context asks for: nothing asked by halves, and nothing that could not be found or looked at."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import BadInput
from tests.assets.build import make
from verification.answers import KEYWORDS
from verification.checks import content, scene
from verification.codes import ALPHABET, best_fit, readable
from verification.context import MAX_EXAMPLES, MAX_REFERENCES, Context, load
from verification.evidence import Json

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "examine.md").read_text()


def read(folder: Path, value: dict[str, Json]) -> Context:
    (folder / "photo.jpg").write_bytes(make("honest.jpg"))
    (folder / "context.json").write_text(json.dumps(value))
    return load(folder / "context.json")


def challenge(**said: Json) -> dict[str, Json]:
    return {"claim": {"challenge": {**said}}}


def asked(schema: Json, answer: Json) -> dict[str, Json]:
    return {"bounty": {"answer_schema": schema}, "answer": answer}


TYPE, EXPECTED = "claim.challenge.type", "claim.challenge.expected"
NATURAL: dict[str, Json] = {"type": "integer", "minimum": 0}
REFUSED: dict[str, tuple[dict[str, Json], str]] = {
    "qr of nothing": (challenge(type="qr"), EXPECTED),
    "qr of null": (challenge(type="qr", expected=None), EXPECTED),
    "pan of nothing": (challenge(type="pan"), EXPECTED),
    "torch of nothing": (challenge(type="torch"), EXPECTED),
    "a code of no type": (challenge(expected="K7M4XP"), TYPE),
    "a code of null": (challenge(type=None, expected="K7M4XP"), TYPE),
    "no challenge, and a code": (challenge(type="none", expected="K7M4XP"), EXPECTED),
    "no challenge, and turns": (challenge(type="none", expected=["left"]), EXPECTED),
    "three signs": (challenge(type="qr", expected="K-7 M"), EXPECTED),
    "Cyrillic": (challenge(type="qr", expected="ЖУРНАЛ"), EXPECTED),
    "Cyrillic that looks Latin": (challenge(type="qr", expected="АВСЕНК"), EXPECTED),
    "Persian digits": (challenge(type="qr", expected="۱۲۳۴۵۶"), EXPECTED),
    "Greek": (challenge(type="qr", expected="ΩΨΔΞΘΣ"), EXPECTED),
    "symbols": (challenge(type="qr", expected="★★★♥♥♥"), EXPECTED),
    "symbols of ASCII": (challenge(type="qr", expected="#!?&%$"), EXPECTED),
    "a sign among letters": (challenge(type="qr", expected="K7M4XP\u0000"), EXPECTED),
    "a word for a number": (asked(NATURAL, "banana"), "answer"),
    "less than the least": (asked(NATURAL, -5), "answer"),
    "a part of a whole": (asked(NATURAL, 2.5), "answer"),
    "a number for a choice": (asked({"enum": ["open", "shut"]}, 1), "answer"),
    "beyond comparing": (asked({"multipleOf": 1.5}, 10**400), "answer"),
    "no schema": (asked({"type": "number of boats"}, 3), "bounty.answer_schema"),
    "no schema, no answer": (asked({"type": 5}, None), "bounty.answer_schema"),
    "a long schema": (asked({"title": "x" * 4_000}, 3), "bounty.answer_schema"),
    "a schema elsewhere": (asked({"$ref": "https://example.org/s.json"}, 3), "bounty.answer_schema"),
    "a schema that backtracks": (asked({"pattern": "(a+)+$"}, "a" * 40), "bounty.answer_schema"),
    "two times": (
        {"statement": {"captured_at": "2026-06-21T12:00:41Z", "taken_at": "2025-06-21T12:00:41Z"}},
        "statement.taken_at",
    ),
    "five references": ({"references": ["photo.jpg"] * 5}, "references"),
    "four examples": ({"examples": ["photo.jpg"] * 4}, "examples"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_its_place(tmp_path: Path, name: str) -> None:
    value, place = REFUSED[name]
    with pytest.raises(BadInput) as refusal:
        read(tmp_path, value)
    assert refusal.value.facts["at"] == place
    assert "docs/examine.md" in refusal.value.advice


@pytest.mark.parametrize("said", [{}, {"type": "none"}, {"type": "none", "expected": ""}, {"type": None}])
def test_where_nothing_is_asked(tmp_path: Path, said: dict[str, Json]) -> None:
    session = read(tmp_path, challenge(**said)).evidence.session
    assert (session.code, session.pan, session.torch) == ("", "", "")


@pytest.mark.parametrize(
    "code", ["K7M4", "4821", "a b-c.d", "K7M4XP", "x" * 64, "https://example.org/?c=K7M4"]
)
def test_codes_that_can_be_found(tmp_path: Path, code: str) -> None:
    assert readable(code)
    assert read(tmp_path, challenge(type="qr", expected=code)).evidence.session.code == code
    fit = best_fit(code, [code.lower(), "OPEN"])
    assert (fit.text, fit.cost) == (0, 0.0)
    assert fit.chance <= 1e-3


def test_every_code_of_the_market_can_be_found() -> None:
    assert readable(ALPHABET)
    assert not readable("x" * 65)


@pytest.mark.parametrize(
    ("schema", "answer"),
    [(NATURAL, 3), (NATURAL, None), ({}, "banana"), (None, "banana"), ({"enum": ["open"]}, "open")],
)
def test_answers_that_fit(tmp_path: Path, schema: Json, answer: Json) -> None:
    assert read(tmp_path, asked(schema, answer)).evidence.answer == answer


def test_two_names_of_one_moment(tmp_path: Path) -> None:
    said: Json = {"captured_at": "2026-06-21T12:00:41Z", "taken_at": "2026-06-21T13:00:41+01:00"}
    assert "taken_at" in read(tmp_path, {"statement": said}).evidence.session.statement
    odd: Json = {"captured_at": "noon", "taken_at": "2026-06-21T13:00:41+01:00"}  # the session's to judge
    assert "noon" in read(tmp_path, {"statement": odd}).evidence.session.statement


@pytest.mark.parametrize(
    "text", ["2026-06-21t12:00:00z", "2026-06-21T14:00:00+02:00", "2026-06-21 12:00:00Z"]
)
def test_times_as_rfc_3339_lets_them_be_written(tmp_path: Path, text: str) -> None:
    arrived = read(tmp_path, {"received_at": text}).evidence.session.committed_at
    assert arrived == datetime(2026, 6, 21, 12, tzinfo=UTC)


def test_as_many_pictures_are_taken_as_are_looked_at(tmp_path: Path) -> None:
    assert (MAX_REFERENCES, MAX_EXAMPLES) == (scene.MOST, content.MOST) == (4, 3)
    most: dict[str, Json] = {"references": ["photo.jpg"] * 4, "examples": ["photo.jpg"] * 3}
    evidence = read(tmp_path, most).evidence
    assert (len(evidence.references), len(evidence.examples)) == (4, 3)


def test_the_page_says_so() -> None:
    assert "at most four paths" in PAGE
    assert "at most three paths" in PAGE
    assert all(f"`{word}`" in PAGE for word in (*KEYWORDS, "taken_at"))
