"""One series is sold once, whatever key signs it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from core.db import Database
from core.storage import Storage
from tests.fakes.seeing import BlindEngine
from tests.verification import stage
from tests.verification.stage import Recording
from verification import series
from verification.case import Case
from verification.checks.replayed_readings import replayed_readings
from verification.evidence import Evidence, Outcome, Status
from verification.memory import PictureMemory
from verification.picture import Decoder


@pytest.fixture
def memory(database: Database, tmp_path: Path) -> PictureMemory:
    return PictureMemory(database, Storage(f"file://{tmp_path}/blobs", bytes(32)), BlindEngine())


def handed_in(memory: PictureMemory, made: Recording, order: int) -> Evidence:
    """Signed by a key of its own, remembered, as capture number `order`."""
    evidence = dataclasses.replace(made.evidence(), capture=f"cap {order}", order=order)
    memory.remember(evidence, None)
    return evidence


def judged(memory: PictureMemory, evidence: Evidence, decoder: Decoder) -> Outcome:
    tools = dataclasses.replace(stage.tools(decoder), memory=memory)
    return replayed_readings(Case(evidence, tools))


def test_a_second_key_cannot_sell_the_same_readings(memory: PictureMemory, decoder: Decoder) -> None:
    first = handed_in(memory, stage.recording(), 1)
    again = handed_in(memory, stage.recording("ES256"), 2)
    assert judged(memory, first, decoder).reason == "readings_new"
    outcome = judged(memory, again, decoder)
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "readings_handed_in_before")
    assert outcome.facts == {"share": 1.0}


def test_nor_most_of_them(memory: PictureMemory, decoder: Decoder) -> None:
    handed_in(memory, stage.recording(), 1)
    made = stage.recording()
    for row in made.rows[0][:5]:
        row[2] = float(str(row[2])) + 0.001
    outcome = judged(memory, handed_in(memory, made, 2), decoder)
    assert (outcome.reason, outcome.facts) == ("readings_handed_in_before", {"share": 0.75})


def test_another_day_with_the_same_values_is_another_series(memory: PictureMemory, decoder: Decoder) -> None:
    handed_in(memory, stage.recording(), 1)
    made = stage.recording()
    for row in (*made.rows[0], *made.rows[1]):
        row[1] = str(row[1]).replace("2026-", "2027-")
    outcome = judged(memory, handed_in(memory, made, 2), decoder)
    assert (outcome.status, outcome.reason) == (Status.OK, "readings_new")


def test_two_coarse_instruments_in_a_calm_may_agree(memory: PictureMemory, decoder: Decoder) -> None:
    for order in (1, 2):
        made = stage.recording()
        for row in (*made.rows[0], *made.rows[1]):
            row[2] = 21.5
        calm = handed_in(memory, made, order)
    outcome = judged(memory, calm, decoder)
    assert (outcome.status, outcome.reason, outcome.llr) == (Status.OK, "alike_but_flat", -2.5)


def test_a_few_readings_prove_nothing(memory: PictureMemory, decoder: Decoder) -> None:
    made = stage.recording()
    made.rows = [made.rows[0][:4]]
    handed_in(memory, made, 1)
    assert judged(memory, handed_in(memory, made, 2), decoder).reason == "too_few"


def test_marks_are_of_what_was_measured_not_of_how_it_was_written() -> None:
    plain, other = stage.recording(), stage.recording()
    for row in (*other.rows[0], *other.rows[1]):
        row[1] = str(row[1]).replace("Z", "+00:00")
    assert list(series.marks(plain.evidence().parts)) == list(series.marks(other.evidence().parts))
    assert (
        series.marks([plain.part(0, "no json"), plain.part(0, '{"readings": [[1], "x", [1, 2, 3]]}')]) == {}
    )
