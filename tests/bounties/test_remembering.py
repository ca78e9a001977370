"""One worker at a time remembers a capture, and who waits for it comes back."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from bounties import judging, remembering, rules, tasks
from bounties.rules import Kind, MemoryFault
from core import clock, renewal
from tests.bounties import scene
from tests.bounties.desk import LEASE, Desk, hold_up
from verification.case import Tools
from verification.evidence import Evidence, Report, Verdict


def test_who_waits_for_anothers_film_comes_back_and_is_not_counted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the hold the second worker would decode the film too, and be counted for it."""
    film, photo = desk.hand_in(Kind.PHOTO, Kind.PHOTO)
    begun, ends = hold_up(monkeypatch, film)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(desk.judge, film)
        assert begun.wait(30)
        assert [desk.judge(photo) for _ in range(rules.MAX_ATTEMPTS + 2)] == [None] * 7
        waiting = desk.row(photo)
        assert (waiting.status, waiting.attempts, waiting.memory_fault) == ("submitted", 0, None)
        assert timedelta(0) < waiting.due_at - clock.now() <= remembering.LATEST
        assert desk.opened.count(film) == 1
        ends.set()
        assert first.result(30) is Verdict.ACCEPT
    with desk.database.transaction() as session:
        assert judging.wake(session, photo, now=clock.now() + remembering.LATEST), "the sweeper sends it"
    assert desk.judge(photo) is Verdict.ACCEPT
    assert desk.row(photo).attempts == 1
    assert desk.opened == [film, photo, photo]  # to be remembered while it waited, and to be examined


def test_one_that_waits_puts_the_others_into_the_memory_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    film, between, photo = desk.hand_in(*[Kind.PHOTO] * 3)
    begun, ends = hold_up(monkeypatch, film)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(desk.judge, film)
        assert begun.wait(30)
        assert desk.judge(photo) is None
        assert None not in {desk.row(other).remembered_at for other in (between, photo)}
        ends.set()
        assert first.result(30) is Verdict.ACCEPT


def test_a_try_that_failed_is_not_followed_by_the_next_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else everybody who waits would use the tries up within a moment of a storage that is away."""
    lost, photo = desk.hand_in(Kind.PHOTO, Kind.PHOTO)
    with desk.database.reading() as session:
        desk.storage.drop_original(judging.evidence_of(session, lost).media_sha256)
    assert [desk.judge(photo) for _ in range(9)] == [None] * 9
    assert desk.row(lost).remember_attempts == 1
    assert desk.take(lost, later=remembering.REST).attempt == 2


def test_a_hold_is_renewed_while_its_worker_works(desk: Desk) -> None:
    [film] = desk.hand_in(Kind.PHOTO)
    lease = timedelta(seconds=0.6)
    hold = desk.take(film, lease)
    with desk.renewed(hold, lease):
        time.sleep(1.2)
        assert desk.take(film) is None, "two leases later it is still held"
    time.sleep(0.7)
    assert desk.take(film).attempt == 2, "and then it runs out"


def test_a_hold_is_not_renewed_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "LONGEST_HOLD", timedelta(seconds=0.3))
    [film] = desk.hand_in(Kind.PHOTO)
    lease = timedelta(seconds=0.3)
    with desk.renewed(desk.take(film, lease), lease):
        time.sleep(1.0)
        assert desk.take(film).attempt == 2


def test_an_examination_that_outlasts_its_lease_is_still_its_workers(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be begun again and again on a busy machine, and end with a person."""
    begun, ends, lease = Event(), Event(), timedelta(seconds=0.6)

    def slow(evidence: Evidence, _: Tools) -> Report:
        begun.set()
        assert ends.wait(30)
        return scene.report(evidence.capture, Verdict.ACCEPT)

    monkeypatch.setattr(tasks, "examine", slow)
    [photo] = desk.hand_in(Kind.PHOTO)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(desk.judge, photo, lease)
        assert begun.wait(30)
        time.sleep(1.2)
        assert not desk.wake(photo), "two leases later nobody else may begin"
        ends.set()
        assert first.result(30) is Verdict.ACCEPT
    assert desk.row(photo).attempts == 1


def test_a_worker_that_was_overtaken_does_not_renew_its_examination(desk: Desk) -> None:
    [photo] = desk.hand_in(Kind.PHOTO)
    now = clock.now()
    with desk.database.transaction() as session:
        late = judging.start_examination(session, photo, lease=timedelta(0), now=now)
    assert late is not None
    assert desk.wake(photo), "its lease has run out"
    with desk.database.transaction() as session:
        assert not judging.renew(session, late, lease=LEASE, now=now), "it is nobody's"
        current = judging.start_examination(session, photo, lease=LEASE, now=now)
    assert current is not None
    with desk.database.transaction() as session:
        assert not judging.renew(session, late, lease=LEASE, now=now), "it is another's"
        assert judging.renew(session, current, lease=LEASE, now=now)


def test_a_worker_that_was_overtaken_neither_renews_nor_lets_go(desk: Desk) -> None:
    [film] = desk.hand_in(Kind.PHOTO)
    late = desk.take(film, lease=timedelta(0))
    current = desk.take(film)
    with desk.database.transaction() as session:
        assert not remembering.renew(session, late, lease=LEASE, now=clock.now())
        for away in (False, True):
            remembering.let_go(session, late, away=away, now=clock.now() - LEASE)
    assert desk.take(film, later=LEASE / 2) is None
    with desk.database.transaction() as session:
        assert remembering.renew(session, current, lease=LEASE, now=clock.now())
        assert not remembering.give_up(session, late, MemoryFault.NOT_READ), "it is another's"
        remembering.note(session, film, now=clock.now())
        assert not remembering.give_up(session, current, MemoryFault.NOT_READ)
    assert desk.row(film).memory_fault is None, "what is remembered is not given up"
    assert desk.take(film, later=LEASE * 2) is None


def test_of_sixteen_workers_at_once_one_holds_it(desk: Desk) -> None:
    """`take` reads and writes in one statement: read first and written then, several would hold it."""
    for film in desk.hand_in(*[Kind.PHOTO] * 5):
        with ThreadPoolExecutor(16) as pool:
            taken = [hold for hold in pool.map(lambda _, film=film: desk.take(film), range(16)) if hold]
        assert [hold.attempt for hold in taken] == [1]


def test_the_longer_one_has_waited_the_less_often_it_comes(desk: Desk) -> None:
    [photo] = desk.hand_in(Kind.PHOTO)
    submitted = desk.row(photo).submitted_at
    waits = []
    for seconds in (0, 2, 12, 600):
        now = submitted + timedelta(seconds=seconds)
        with desk.database.transaction() as session:
            remembering.put_off(session, photo, now=now)
        waits.append((desk.row(photo).due_at - now).total_seconds())
    assert waits == [1, 1, 3, 5]


def test_a_storage_that_is_away_is_no_try_and_gives_nothing_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else an outage of a minute would send all that is judged in it to a person."""
    monkeypatch.setattr(remembering, "REST_IF_AWAY", timedelta(0))
    [photo] = desk.hand_in(Kind.PHOTO)
    (tmp_path / "storage").rename(tmp_path / "elsewhere")
    (tmp_path / "storage").write_text("a file where the folder was")
    assert [desk.judge(photo) for _ in range(2 * rules.MAX_REMEMBERINGS)] == [None] * 6
    assert (desk.row(photo).attempts, desk.row(photo).remember_attempts) == (0, 0)
    (tmp_path / "storage").unlink()
    (tmp_path / "elsewhere").rename(tmp_path / "storage")
    assert desk.judge(photo) is Verdict.ACCEPT
