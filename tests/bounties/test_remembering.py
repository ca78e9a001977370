"""One worker at a time remembers a capture, and one that cannot be remembered holds nobody up for ever."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import select, update

from bounties import judging, remembering, rules, tasks
from bounties.rules import Kind, MemoryFault
from bounties.tables import Capture
from core import clock, errors, renewal
from core.db import Database
from core.states import History
from core.storage import Storage
from tests.bounties import scene
from tests.fakes.seeing import BlindEngine
from tests.verification import reels
from verification.case import Tools
from verification.decoding import limits
from verification.evidence import Evidence, Report, Verdict
from verification.memory import PictureMemory
from verification.picture import Decoder
from verification.reading import Reader
from verification.trust import TrustList

LEASE = timedelta(seconds=30)


@pytest.fixture(params=["database", "postgres"])
def either(request: pytest.FixtureRequest) -> Database:
    """Both databases: what is a row's lock in the one is the whole file's in the other."""
    opened: Database = request.getfixturevalue(request.param)
    return opened


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    with Decoder() as opened:
        yield opened


@dataclass
class Desk:
    """Workers' tools around one database; what is examined is not the subject, so everything is accepted."""

    database: Database
    storage: Storage
    tools: Tools
    opened: list[str] = field(default_factory=list)

    def judge(self, capture: str, lease: timedelta = LEASE) -> Verdict | None:
        return tasks.judge_capture(self.database, self.storage, self.tools, capture, lease_for=lease)

    def row(self, capture: str) -> Capture:
        with self.database.reading() as session:
            found = session.get_one(Capture, capture)
            session.expunge(found)
            return found

    def take(self, capture: str, lease: timedelta = LEASE, later: timedelta = timedelta(0)) -> Any:
        with self.database.transaction() as session:
            return remembering.take(session, capture, lease=lease, now=clock.now() + later)

    def renewed(self, hold: remembering.Hold, lease: timedelta) -> AbstractContextManager[None]:
        renew = partial(remembering.renew, hold=hold, lease=lease)
        return renewal.renewed(self.database, hold.capture, renew, lease=lease)

    def wake(self, capture: str) -> bool:
        with self.database.transaction() as session:
            return judging.wake(session, capture, now=clock.now())

    def hand_in(self, *kinds: Kind) -> list[str]:
        """One capture a kind, in this order: a real film, and photos."""
        made, now = [], clock.now()
        with self.database.transaction() as session:
            agent = scene.new_agent(session, now=now)
            for number, kind in enumerate(kinds):
                wanted = scene.ask(kind=kind, opens_at=now, closes_at=now + timedelta(hours=1))
                bounty, person = scene.post(session, agent, wanted, now=now), scene.new_person(session, now)
                media = reels.honest() if kind is Kind.VIDEO else b"no picture %d" % number
                self.storage.seal(media)
                claimed = scene.claim(session, person, bounty, now=now)
                made.append(scene.submit(session, person, claimed, now=now, media=media).id)
        return made


@pytest.fixture
def desk(either: Database, decoder: Decoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    storage, engine = Storage(f"file://{tmp_path / 'storage'}", bytes(32)), BlindEngine()
    memory = PictureMemory(either, storage, engine)
    made = Desk(
        either, storage, Tools(decoder, memory, engine, Reader(engine), TrustList.load(tmp_path / "trust"))
    )
    load = tasks.load_evidence

    def counted(database: Database, storage: Storage, capture: str) -> Evidence:
        made.opened.append(capture)
        return load(database, storage, capture)

    def accepted(evidence: Evidence, _: Tools) -> Report:
        return scene.report(evidence.capture, Verdict.ACCEPT)

    monkeypatch.setattr(tasks, "load_evidence", counted)
    monkeypatch.setattr(tasks, "examine", accepted)
    return made


def hold_up(monkeypatch: pytest.MonkeyPatch, capture: str) -> tuple[Event, Event]:
    """The decoding of one capture takes until the second event; the first tells that it has begun."""
    begun, ends, pictures = Event(), Event(), tasks._pictures

    def slow(evidence: Evidence, tools: Tools) -> object:
        if evidence.capture == capture:
            begun.set()
            assert ends.wait(30)
        return pictures(evidence, tools)

    monkeypatch.setattr(tasks, "_pictures", slow)
    return begun, ends


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


def test_what_kills_its_workers_is_given_up_unopened(desk: Desk) -> None:
    """A worker that dies says nothing: its hold runs out, and counts."""
    deadly, photo = desk.hand_in(Kind.PHOTO, Kind.PHOTO)
    for attempt in range(1, rules.MAX_REMEMBERINGS + 1):
        assert desk.take(deadly, lease=timedelta(0)).attempt == attempt
    assert desk.judge(photo) is Verdict.ACCEPT
    assert desk.opened.count(deadly) == 0
    assert desk.row(deadly).memory_fault == MemoryFault.WORKERS_DIED
    assert desk.judge(deadly) is Verdict.REVIEW


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
        remembering.note(session, film, now=clock.now())
        remembering.give_up(session, current, MemoryFault.NOT_READ, now=clock.now())
    assert desk.row(film).memory_fault is None, "what is remembered is not given up"
    assert desk.take(film, later=LEASE * 2) is None


def test_of_sixteen_workers_at_once_one_holds_it(desk: Desk) -> None:
    """`take` reads and writes in one statement: read first and written then, several would hold it."""
    for film in desk.hand_in(*[Kind.PHOTO] * 5):
        with ThreadPoolExecutor(16) as pool:
            taken = [hold for hold in pool.map(lambda _, film=film: desk.take(film), range(16)) if hold]
        assert [hold.attempt for hold in taken] == [1]


def test_a_fault_of_ours_is_no_end_of_the_others_either(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in the remembering of one ends the task; who waits is not counted, and it is given up in time."""
    broken, photo = desk.hand_in(Kind.PHOTO, Kind.PHOTO)
    pictures = tasks._pictures

    def fails(evidence: Evidence, tools: Tools) -> object:
        if evidence.capture == broken:
            raise ZeroDivisionError("a bug")
        return pictures(evidence, tools)

    monkeypatch.setattr(tasks, "_pictures", fails)
    for _ in range(rules.MAX_REMEMBERINGS):
        with pytest.raises(ZeroDivisionError):
            desk.judge(photo)
        assert desk.judge(photo) is None
        with desk.database.transaction() as session:
            lapsed = update(Capture).where(Capture.id == broken).values(remembering_until=clock.now())
            session.execute(lapsed)
    assert desk.judge(photo) is Verdict.ACCEPT
    assert desk.row(photo).attempts == 1
    assert desk.judge(broken) is Verdict.REVIEW


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
