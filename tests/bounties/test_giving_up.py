"""A capture that cannot be remembered holds nobody up for ever, and a person decides on it."""

from __future__ import annotations

import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bounties import judging, remembering, rules, tasks
from bounties.rules import Kind, MemoryFault
from bounties.tables import Capture
from core import clock, errors
from core.states import History
from core.storage import Storage
from tests.bounties.desk import Desk, hold_up
from verification.case import Tools
from verification.decoding import limits
from verification.evidence import Evidence, Verdict


def test_a_film_that_never_comes_to_its_end_is_for_a_person_and_the_others_go_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A real film, a real decoder, and less time than it takes: tried thrice, then given up."""
    monkeypatch.setattr(limits, "FILM_WALL_SECONDS", 0.001)
    monkeypatch.setattr(remembering, "REST", timedelta(0))
    film, photo = desk.hand_in(Kind.VIDEO, Kind.PHOTO)
    for _ in range(rules.MAX_REMEMBERINGS - 1):
        assert desk.judge(photo) is None
        assert (desk.row(photo).attempts, desk.row(film).remembered_at) == (0, None)
    assert desk.judge(photo) is Verdict.ACCEPT
    assert desk.opened.count(film) == rules.MAX_REMEMBERINGS
    assert any(film in record.message for record in caplog.records if record.levelno == logging.ERROR)
    given_up = desk.row(film)
    assert (given_up.memory_fault, given_up.remembered_at is not None) == (MemoryFault.NOT_READ, True)
    assert desk.judge(film) is Verdict.REVIEW
    assert desk.row(film).reasons == ["examination_failed"]
    with desk.database.reading() as session:
        moved = select(History.facts).where(History.subject == film, History.after == "review")
        facts = session.scalars(moved).one()
        name = judging.evidence_of(session, film).media_sha256
    assert facts["why"] == "not_read"
    assert [past.capture for past in desk.tools.memory.same_bytes(name, 99)] == [film], "its bytes are known"


def test_a_lost_original_holds_the_others_up_for_three_tries_and_goes_to_a_person(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "REST", timedelta(0))
    lost, photo = desk.hand_in(Kind.PHOTO, Kind.PHOTO)
    with desk.database.reading() as session:
        desk.storage.drop_original(judging.evidence_of(session, lost).media_sha256)
    assert [desk.judge(photo) for _ in range(3)] == [None, None, Verdict.ACCEPT]
    assert desk.judge(lost) is Verdict.REVIEW
    assert desk.row(lost).memory_fault == MemoryFault.ORIGINAL_LOST


def test_what_kills_its_workers_is_given_up_unopened(desk: Desk) -> None:
    """A worker that dies says nothing: its hold runs out, and counts."""
    deadly, photo = desk.hand_in(Kind.PHOTO, Kind.PHOTO)
    for attempt in range(1, rules.MAX_REMEMBERINGS + 1):
        assert desk.take(deadly, lease=timedelta(0)).attempt == attempt
    assert desk.judge(photo) is Verdict.ACCEPT
    assert desk.opened.count(deadly) == 0
    assert desk.row(deadly).memory_fault == MemoryFault.WORKERS_DIED
    assert desk.judge(deadly) is Verdict.REVIEW


@pytest.mark.parametrize(
    "raised", [ZeroDivisionError("a bug"), OverflowError("of a hostile file"), MemoryError()]
)
def test_whatever_a_strangers_bytes_raise_is_a_try_that_failed_and_no_end_of_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, raised: Exception
) -> None:
    """Else it would end the task of an innocent capture, and all would wait for three leases to run out."""
    monkeypatch.setattr(remembering, "REST", timedelta(0))
    broken, photo = desk.hand_in(Kind.PHOTO, Kind.PHOTO)
    pictures = tasks._pictures

    def fails(evidence: Evidence, tools: Tools) -> object:
        if evidence.capture == broken:
            raise raised
        return pictures(evidence, tools)

    monkeypatch.setattr(tasks, "_pictures", fails)
    assert [desk.judge(photo) for _ in range(rules.MAX_REMEMBERINGS)] == [None, None, Verdict.ACCEPT]
    assert desk.row(photo).attempts == 1
    told = [record for record in caplog.records if f"{broken} was not remembered" in record.message]
    assert len(told) == rules.MAX_REMEMBERINGS
    assert all(record.exc_info for record in told), "where it came from is said"
    assert desk.judge(broken) is Verdict.REVIEW
    assert desk.row(broken).memory_fault == MemoryFault.NOT_READ


def late_in_the_remembering(desk: Desk, capture: str) -> None:
    """All tries are used up, and the last worker's hold has run out."""
    with desk.database.transaction() as session:
        spent = {"remember_attempts": rules.MAX_REMEMBERINGS, "remembering_until": clock.now()}
        session.execute(update(Capture).where(Capture.id == capture).values(spent))


def test_a_worker_that_ends_while_its_capture_is_given_up_does_not_judge_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the fault written only after the name, the worker would note the name for the picture that it did
    not get in, the capture be judged as any other, and copies of it never be found."""
    slow, photo = desk.hand_in(Kind.PHOTO, Kind.PHOTO)
    begun, ends = hold_up(monkeypatch, slow)
    remember, ended = desk.tools.memory.remember, []

    def kept(evidence: Evidence, *rest: Any) -> None:
        remember(evidence, *rest)
        if evidence.capture == slow and not ends.is_set():  # the name alone is in; the slow one ends just now
            ends.set()
            ended.append(first.result(30))

    monkeypatch.setattr(desk.tools.memory, "remember", kept)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(desk.judge, slow)
        assert begun.wait(30)
        late_in_the_remembering(desk, slow)
        assert desk.judge(photo) is Verdict.ACCEPT
    assert ended == [Verdict.REVIEW]
    assert desk.row(slow).memory_fault == MemoryFault.WORKERS_DIED


def test_a_worker_that_dies_while_it_gives_up_is_followed_by_another(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly, photo = desk.hand_in(Kind.PHOTO, Kind.PHOTO)
    late_in_the_remembering(desk, deadly)
    with monkeypatch.context() as dying:
        dying.setattr(desk.tools.memory, "remember", lambda *_: sys.exit())
        with pytest.raises(SystemExit):
            desk.judge(photo)
    between = desk.row(deadly)
    assert (between.memory_fault, between.remembered_at) == (MemoryFault.WORKERS_DIED, None)
    assert desk.judge(photo) is None, "nothing is compared before its name is in"
    late_in_the_remembering(desk, deadly)
    assert desk.judge(photo) is Verdict.ACCEPT
    assert desk.judge(deadly) is Verdict.REVIEW


def test_one_that_a_storage_in_order_does_not_hand_out_is_given_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "REST", timedelta(0))
    [photo] = desk.hand_in(Kind.PHOTO)

    def away(*_: object) -> bytes:
        raise errors.Unavailable("the storage does not answer")

    monkeypatch.setattr(Storage, "unseal", away)
    assert [desk.judge(photo) for _ in range(3)] == [None, None, Verdict.REVIEW]
    assert desk.row(photo).memory_fault == MemoryFault.NOT_READ
