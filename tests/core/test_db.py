"""Transactions, reads, instants, insert_once: the same promises on SQLite and Postgres."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, StatementError

from core.accounts.tables import Account, ApiKey, RememberedCall
from core.db import Database, Instant, insert_once
from core.ids import new_id
from core.queue import enqueue

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
def both(request: pytest.FixtureRequest) -> Database:
    """The same test on both databases."""
    found: Database = request.getfixturevalue("database" if request.param == "sqlite" else "postgres")
    return found


class Box:
    """A queue that keeps what it was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, tuple[str, ...]]] = []

    def send(self, jobs: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        self.sent.extend(jobs)


def account(name: str = "a", at: datetime = NOW) -> Account:
    return Account(id=new_id("acc"), kind="agent", name=name, created_at=at)


def count(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Account)) or 0


def test_a_transaction_commits_whole_or_not_at_all(both: Database) -> None:
    with both.transaction() as session:
        session.add(account())
    with pytest.raises(ZeroDivisionError), both.transaction() as session:  # noqa: PT012
        session.add(account())
        session.flush()
        raise ZeroDivisionError
    assert count(both) == 1


def test_what_is_written_while_reading_is_gone(both: Database) -> None:
    with both.reading() as session:
        session.add(account())
        session.flush()
    assert count(both) == 0


def test_foreign_keys_are_guarded(both: Database) -> None:
    key = ApiKey(
        id=new_id("key"), account="acc_nobody", secret_hash="x", scopes=[], spent_total=0, created_at=NOW,
        limit_per_bounty=None, limit_per_day=None, limit_total=None, revoked_at=None,
    )  # fmt: skip
    with pytest.raises(IntegrityError), both.transaction() as session:
        session.add(key)
    assert count(both) == 0


def test_jobs_are_sent_after_the_commit_and_dropped_with_a_rollback(both: Database) -> None:
    box = both.queue = Box()
    with both.transaction() as session:
        enqueue(session, "a.task", "1")
        enqueue(session, "b.task", "2", "3")
        assert box.sent == []
    assert box.sent == [("a.task", ("1",)), ("b.task", ("2", "3"))]
    with pytest.raises(ZeroDivisionError), both.transaction() as session:  # noqa: PT012
        enqueue(session, "a.task", "4")
        raise ZeroDivisionError
    assert len(box.sent) == 2


def test_a_failed_commit_sends_no_job(postgres: Database) -> None:
    """The commit itself says no (a deferred constraint), after the block ended well."""
    with postgres.transaction() as session:
        session.execute(text("CREATE TABLE later (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
        session.execute(text("INSERT INTO later VALUES (1)"))
    box = postgres.queue = Box()
    with pytest.raises(IntegrityError), postgres.transaction() as session:  # noqa: PT012
        enqueue(session, "a.task", "1")
        session.execute(text("INSERT INTO later VALUES (1)"))
    assert box.sent == []


def remembered(caller: str, key: str) -> dict[str, object]:
    return {"caller": caller, "key": key, "request_hash": "", "status": 201, "answer": {}, "at": NOW}


def test_insert_once_inserts_once(both: Database) -> None:
    with both.transaction() as session:
        assert insert_once(session, RememberedCall, remembered("a", "k"), ["caller", "key"])
        assert not insert_once(session, RememberedCall, remembered("a", "k"), ["caller", "key"])
        assert insert_once(session, RememberedCall, remembered("b", "k"), ["caller", "key"])
    with both.transaction() as session:
        assert not insert_once(session, RememberedCall, remembered("a", "k"), ["caller", "key"])


def test_insert_once_of_many_at_once_is_one(both: Database) -> None:
    start = threading.Barrier(8)

    def run(_: int) -> bool:
        start.wait(timeout=30)
        with both.transaction() as session:
            return insert_once(session, RememberedCall, remembered("a", "k"), ["caller", "key"])

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(run, range(8))) == 1


def test_insert_once_waits_for_the_first_to_end_and_follows_a_rollback(postgres: Database) -> None:
    held, seen = threading.Event(), []

    def second() -> None:
        held.wait(30)
        with postgres.transaction() as session:
            seen.append(insert_once(session, RememberedCall, remembered("a", "k"), ["caller", "key"]))

    thread = threading.Thread(target=second)
    thread.start()
    with pytest.raises(ZeroDivisionError), postgres.transaction() as session:  # noqa: PT012
        assert insert_once(session, RememberedCall, remembered("a", "k"), ["caller", "key"])
        held.set()
        thread.join(0.3)
        assert thread.is_alive()
        raise ZeroDivisionError
    thread.join(30)
    assert seen == [True]


def test_sqlite_writers_take_turns_and_readers_do_not_wait(database: Database) -> None:
    """BEGIN IMMEDIATE: read-then-write by many at once loses no update and meets no lock error."""
    with database.transaction() as session:
        session.add(account(name="0"))

    def add_one(_: int) -> None:
        with database.transaction() as session:
            row = session.scalars(select(Account)).one()
            row.name = str(int(row.name) + 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(40)))
    with database.transaction() as session:
        session.scalars(select(Account)).one().name = "unseen"
        session.flush()
        with database.reading() as reader:
            assert reader.scalars(select(Account)).one().name == "40"
        session.rollback()


@pytest.mark.parametrize("pragma", [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)])
def test_sqlite_is_durable_and_guarded(database: Database, pragma: tuple[str, object]) -> None:
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma[0]}").scalar() == pragma[1]


@given(st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30)), st.integers(-840, 840))  # noqa: DTZ001
def test_an_instant_is_stored_in_utc_and_read_back_aware(naive: datetime, minutes: int) -> None:
    instant = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    for dialect in (sqlite.dialect(), postgresql.dialect()):  # type: ignore[no-untyped-call]
        stored = Instant().process_bind_param(instant, dialect)
        assert stored is not None
        assert stored.utcoffset() == timedelta(0)
        assert Instant().process_result_value(stored.replace(tzinfo=None), dialect) == instant


def test_a_naive_time_is_refused(both: Database) -> None:
    with pytest.raises(StatementError), both.transaction() as session:
        session.add(account(at=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_times_survive_the_database_to_the_microsecond(both: Database) -> None:
    exact = datetime(2026, 11, 23, 15, 30, 0, 123456, tzinfo=timezone(timedelta(hours=3, minutes=30)))
    with both.transaction() as session:
        session.add(account(at=exact))
    with both.reading() as session:
        found = session.scalars(select(Account)).one().created_at
    assert found == exact
    assert found.utcoffset() == timedelta(0)


def test_connections_that_died_at_rest_are_replaced(
    postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a restart of the server: the first transaction must not be the one to find out."""
    monkeypatch.setattr("core.db.PING_AFTER_S", 0.0)
    with postgres.transaction() as one, postgres.transaction() as two:
        mine = {one.scalar(text("SELECT pg_backend_pid()")), two.scalar(text("SELECT pg_backend_pid()"))}
    outside = create_engine(postgres.engine.url)
    with outside.connect() as connection:
        for pid in mine:
            connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    outside.dispose()
    with postgres.transaction() as one, postgres.transaction() as two:
        now = {one.scalar(text("SELECT pg_backend_pid()")), two.scalar(text("SELECT pg_backend_pid()"))}
    assert len(mine) == len(now) == 2
    assert not mine & now
