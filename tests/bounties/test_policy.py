"""The policy gate: what it refuses and lets through, how it takes disguises, and how good it is,
by number."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounties.policy import refusal
from core import errors
from core.accounts.tables import ApiKey
from core.db import Database
from core.wire import plain_text
from tests.bounties import scene
from tests.bounties.asks import HELD_OUT_BAD, HELD_OUT_GOOD, SEEN_BAD, SEEN_GOOD

POLICY_PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "policy.md"


def recall(bad: dict[str, tuple[str, ...]]) -> tuple[int, int]:
    """How many asks that should be refused are, and of how many."""
    asks = [ask for group in bad.values() for ask in group]
    return sum(refusal(ask) is not None for ask in asks), len(asks)


def wrongly_refused(good: tuple[str, ...]) -> list[str]:
    return [ask for ask in good if refusal(ask) is not None]


def test_the_asks_it_was_tuned_on() -> None:
    caught, asked = recall(SEEN_BAD)
    assert caught >= 53, f"{caught} of {asked}"
    assert wrongly_refused(SEEN_GOOD) == []


def test_the_asks_it_was_never_tuned_on() -> None:
    """The honest figure: well under the 0.95 the house wants of its gate. docs/policy.md says so too."""
    caught, asked = recall(HELD_OUT_BAD)
    assert caught >= 12, f"{caught} of {asked}"
    assert len(wrongly_refused(HELD_OUT_GOOD)) <= 1
    assert f"{caught} of {asked}" in POLICY_PAGE.read_text(encoding="utf-8"), "the page states today's figure"


@pytest.mark.parametrize("kind", sorted(SEEN_BAD))
def test_every_class_is_refused_by_its_name_and_is_on_the_page(kind: str) -> None:
    found = [refusal(ask) for ask in SEEN_BAD[kind]]
    assert sum(one is not None and one.kind == kind for one in found) >= len(found) * 0.6
    assert f"`{kind}`" in POLICY_PAGE.read_text(encoding="utf-8")


DISGUISES = (
    "photo of  my   ex", "photo\nof\nmy\nex", "photo\tof\tmy\tex", "PHOTO OF MY EX", "photo-of-my-ex",
    "photo_of_my_ex",
    "photo of m\u200by e\u200bx", "photo of my\u202e ex", "photo of m\u00fd \u00e9x",
    "p h o t o of m y e x kids",
    "k i d s in the park", "k.i.d.s in the park", "k-i-d-s in the park", "kids_in_the_park",
    "k1ds in the park",
    "ch1ldren", "\uff4b\uff49\uff44\uff53", "\U0001d424\U0001d422\U0001d41d\U0001d42c", "ki\u00adds",
    "ki\ufe0fds",
    "k\U000e0100ids", "\u0441hildren", "k\u0456ds", "kid\u03bf", "The queue\n\n\n\nand her house", "KIDS",
    "kids!",
    "the \u24da\u24d8\u24d3\u24e2",
)  # fmt: skip


@pytest.mark.parametrize("text", DISGUISES)
def test_a_disguise_does_not_help(text: str) -> None:
    assert refusal(plain_text(text)) is not None


@pytest.mark.parametrize("text", ["10 \u00b5m dust, 10 k\u03a9", "5-10 m?", "COVID-19 poster", "A3 / B4 / C5",
                                  "\u0635\u0641 \u0646\u0627\u0646\u0648\u0627\u06cc\u06cc", "\u884c\u5217",
                                  "\u043e\u0447\u0435\u0440\u0435\u0434\u044c", "na\u00efve caf\u00e9",
                                  "1 2 3 4 5"])  # fmt: skip
def test_units_and_other_scripts_are_no_disguise(text: str) -> None:
    assert refusal(text) is None


@given(st.text(max_size=300))
def test_any_text_has_an_answer(text: str) -> None:
    assert refusal(text) == refusal(text)


@pytest.mark.parametrize(
    "piece", ["follow ", "gate ", "name of the ", "f.o.l.l.o.w.", "a ", "x", "photo of the ", "0"]
)
def test_no_text_takes_long(piece: str) -> None:
    started = time.process_time()
    refusal((piece * 2000)[:2000], (piece * 2000)[:2000])
    assert time.process_time() - started < 1


@pytest.mark.parametrize("field", ["ask", "purpose"])
def test_a_refused_ask_is_neither_stored_nor_paid(database: Database, field: str) -> None:
    with database.transaction() as session:
        key = scene.new_agent(session).id
    with pytest.raises(errors.PolicyRefused) as refused, database.transaction() as session:
        scene.post(session, session.get_one(ApiKey, key), scene.ask(**{field: "Photo of her house"}))  # type: ignore[arg-type]
    assert refused.value.facts == {"kind": "home"}
    assert "docs/policy.md" in refused.value.advice
    with database.reading() as session:
        assert session.get_one(ApiKey, key).spent_total == 0
