"""The seeded simulation of all money, a short one: `python -m bench.money_simulation` runs long ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bench.money_simulation import main, one_life
from bench.simulation.life import Life
from payments import outbox
from payments.rails import Answer, Outcome

ROOT = Path(__file__).resolve().parents[2]
DIGEST = """
import sys
from pathlib import Path
from bench.money_simulation import one_life
print(one_life(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])).digest)
"""


def test_two_thousand_steps_of_everything_leave_the_books_sound(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    assert main(["--steps", "2000", "--seed", "8", "--json", str(path)]) == 0
    figures = Counter({row["name"]: row["value"] for row in json.loads(path.read_text())["rows"]})
    assert figures["steps with faults"] == 2000
    assert figures["checked: ends of lives"] == 1
    # It is of use only as long as things happen in it.
    for begins in (
        "crash: ",
        "fault: ",
        "end: deposit done",
        "end: deposit failed",
        "end: refund",
        "end: payout",
    ):
        assert sum(count for name, count in figures.items() if name.startswith(begins)) > 0, begins


def test_the_same_seed_lives_the_same_life(blank_sqlite: Path) -> None:
    """In another process too, whose sets of text have another order."""
    here = one_life(3, 600, blank_sqlite).digest
    there = subprocess.run(
        [sys.executable, "-c", DIGEST, "3", "600", str(blank_sqlite)],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert there.stdout.strip() == here
    assert one_life(4, 600, blank_sqlite).digest != here


def test_what_breaks_is_told_with_the_way_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A worker that takes what it does not know for refused."""
    unknown = Outcome.UNKNOWN

    def hasty(*given: object, **named: object) -> object:
        session, operation, answer = given
        assert isinstance(answer, Answer)
        if answer.outcome is unknown:
            answer = Answer(Outcome.FAILED, reason="hasty")
        return record(session, operation, answer, **named)  # type: ignore[arg-type]

    record = outbox.record_answer
    monkeypatch.setattr(outbox, "record_answer", hasty)
    assert main(["--steps", "5000", "--seed", "1"]) == 1
    said = capsys.readouterr().out
    assert "again: python -m bench.money_simulation --seed 1 --steps 5000 --life 5000" in said
    assert "the last 50 actions" in said
    assert "is failed, and Stripe moved" in said


def test_a_life_leaves_nothing_behind(blank_sqlite: Path, tmp_path: Path) -> None:
    Life(1, 50, blank_sqlite, tmp_path).run()
    assert list(tmp_path.iterdir()) == []
