"""The journal keeps its order, survives a crash, and shows every later change."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from agent_sdk import JournalBroken, StateConflict
from agent_sdk.loops import Journal, read_journal
from tests.agent_sdk.market import START


def _filled(path: Path, lines: int = 4) -> list[str]:
    with Journal(path) as journal:
        for number in range(lines):
            journal.append("step", {"n": number, "text": "é"}, at=START)
    return path.read_text(encoding="utf-8").splitlines(keepends=True)


def test_what_is_written_is_read_and_the_chain_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    _filled(path)
    with Journal(path) as journal:
        journal.append("step", {"n": 4}, at=START)
        head = journal.head
    entries = read_journal(path)
    assert [entry.data["n"] for entry in entries] == [0, 1, 2, 3, 4]
    assert entries[-1].hash == head


def test_every_change_of_a_line_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    lines = _filled(path)
    entry = json.loads(lines[1])
    changes: list[dict[str, object]] = [
        {"data": {"n": 9}},
        {"at": "2026-11-23T11:00:00Z"},
        {"kind": "resolved"},
        {"seq": 7},
        {"prev": "0" * 64},
        {"hash": "0" * 64},
    ]
    forged = [[lines[0], json.dumps({**entry, **change}) + "\n", *lines[2:]] for change in changes]
    forged += [lines[1:], [lines[0], *lines[2:]], [lines[1], lines[0], *lines[2:]], [*lines, lines[-1]]]
    forged += [[lines[0], "{}\n", *lines[2:]], [lines[0], "\n", *lines[1:]]]
    for text in forged:
        path.write_text("".join(text), encoding="utf-8")
        with pytest.raises(JournalBroken):
            read_journal(path)
        with pytest.raises(JournalBroken):
            Journal(path)


def test_a_line_cut_short_by_a_crash_is_dropped_wherever_it_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    lines = _filled(path)
    last = lines[-1].encode()
    for kept in range(1, len(last) - 1, 13):
        path.write_bytes("".join(lines[:-1]).encode() + last[:kept])
        with Journal(path) as journal:
            assert len(journal.entries) == 3
            journal.append("step", {"n": 3}, at=START)
        assert len(read_journal(path)) == 4


@pytest.mark.skipif(os.name != "posix", reason="file locks are posix's")
def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with Journal(path), pytest.raises(StateConflict):
        Journal(path)
    Journal(path).close()


def test_nothing_that_is_not_json_is_written(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.jsonl") as journal:
        with pytest.raises(ValueError):
            journal.append("step", {"p": float("nan")}, at=START)
        assert journal.entries == []
    assert read_journal(tmp_path / "j.jsonl") == []
