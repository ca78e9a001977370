"""The database: one declarative base, one way to open a transaction, the same on SQLite and Postgres.

A transaction is opened at the door (one a request, one a task) and committed there; services
flush and never commit. Jobs enqueued inside it are sent after the commit and dropped with a
rollback (see `core.queue`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Any, ClassVar, Protocol

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    TypeDecorator,
    create_engine,
    event,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry

from core.failpoints import failpoint

Big = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit integer that SQLite will also auto-increment as a primary key."""

PING_AFTER_S = 1.0
_RESTS_SINCE = "spotcheck_rests_since"
_READ_ONLY = "spotcheck_read_only"
JOBS = "spotcheck_jobs"


class Instant(TypeDecorator[datetime]):
    """An aware UTC time. Naive values are refused: a time without an offset is no instant."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database: in UTC. Raises ValueError on a naive time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be aware")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database: aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Every table of the house. Constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Instant(),
        dict[str, Any]: JSON(none_as_null=True),
        list[str]: JSON(),
    }


class Sender(Protocol):
    """Where jobs go after a commit: `core.queue.Queue` in production."""

    def send(self, jobs: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        """Hands over jobs. Must not raise: the queue is a hint, the sweeper finds what it lost."""


class Database:
    """An engine with the house's settings, and the two ways to use it.

    Args:
        url: an SQLAlchemy URL; `sqlite:///path` or `postgresql+psycopg://…`.
        queue: where jobs go after a commit; None drops them (the sweeper finds the work).
    """

    def __init__(self, url: str, queue: Sender | None = None, *, pool_size: int = 10) -> None:
        self.queue = queue
        if url.startswith("sqlite"):
            self.engine = create_engine(url, connect_args={"timeout": 30, "isolation_level": None})
            event.listen(self.engine, "connect", _sqlite_connect)
            event.listen(self.engine, "begin", _sqlite_begin)
        else:
            self.engine = create_engine(url, pool_size=pool_size, max_overflow=pool_size)
            _ping_the_rested(self.engine)
        self._reader: Engine = self.engine.execution_options(**{_READ_ONLY: True})

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end of the block, then sends the jobs it enqueued."""
        with Session(self.engine, expire_on_commit=False) as session:
            with session.begin():
                yield session
                failpoint("transaction.before_commit")
            failpoint("transaction.after_commit")
            jobs = session.info.pop(JOBS, [])
        if jobs and self.queue is not None:
            self.queue.send(jobs)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for reads only: it takes no write lock and is rolled back at the end."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session
            session.rollback()

    def dispose(self) -> None:
        """Closes every pooled connection (needed in a child after fork, and at exit)."""
        self.engine.dispose()


def _ping_the_rested(engine: Engine) -> None:
    """Asks a connection that has rested whether it still lives; if not, the pool opens others.

    SQLAlchemy's own `pool_pre_ping` asks at every checkout: a tenth of a posting's time.
    """

    def checkin(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[_RESTS_SINCE] = monotonic()

    def checkout(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        rests_since = record.info.get(_RESTS_SINCE)
        if rests_since is None or monotonic() - rests_since < PING_AFTER_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as gone:
            raise InvalidatePoolError("a pooled connection died while it rested") from gone

    event.listen(engine, "checkin", checkin)
    event.listen(engine, "checkout", checkout)


def _sqlite_connect(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    # IMMEDIATE: a writer waits for its turn at the start, so it can never fail half-way to upgrade
    # a read lock. Readers see the snapshot of their first read (WAL) and wait for nobody.
    read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def insert_once(
    session: Session,
    table: type[Base],
    values: dict[str, Any],
    conflict: list[str],
    *,
    among: ColumnElement[bool] | None = None,
) -> bool:
    """Inserts a row unless one with the same `conflict` columns is there.

    On Postgres a concurrent insert of the same key waits for the other to commit first.

    Args:
        among: the condition of the unique index, where it is a partial one.

    Returns:
        True when this call inserted it.
    """
    dialect = session.get_bind().dialect.name
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = (
        make(table).values(**values).on_conflict_do_nothing(index_elements=conflict, index_where=among)
    )
    result = session.execute(statement.returning(*[getattr(table, name) for name in conflict]))
    return result.first() is not None
