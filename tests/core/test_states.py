"""move(): only what the table allows, one winner of a race, and a history row for each change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from enum import StrEnum

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from core import states
from core.db import Database
from core.errors import StateConflict
from core.states import History, Transitions

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
RACERS = 8


class Light(StrEnum):
    RED = "red"
    GREEN = "green"
    BROKEN = "broken"


TABLE: Transitions[Light] = {
    Light.RED: frozenset({Light.GREEN, Light.BROKEN}),
    Light.GREEN: frozenset({Light.RED, Light.BROKEN}),
    Light.BROKEN: frozenset(),
}


class Private(DeclarativeBase):
    """Tables of this file only: the house's own metadata stays what the migrations build."""


class Lamp(Private):
    """A thing with a status: the smallest there is."""

    __tablename__ = "test_lamps"

    id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    note: Mapped[str] = mapped_column(default="")


def hang(database: Database, status: Light = Light.RED) -> None:
    Lamp.__table__.create(database.engine)  # type: ignore[attr-defined]
    with database.transaction() as session:
        lamp = Lamp(id="lamp", status=status.value)
        session.add(lamp)
        states.began(session, lamp, now=NOW, tenant="acc_a", actor="acc_a")


def switch(session: Session, to: Light, actor: str = "acc_a", **facts: str) -> None:
    lamp = session.get_one(Lamp, "lamp")
    states.move(session, lamp, to, TABLE, now=NOW, tenant="acc_a", actor=actor, **facts)


def trail(database: Database) -> list[tuple[str | None, str, str]]:
    with database.reading() as session:
        rows = session.scalars(select(History).where(History.subject == "lamp").order_by(History.seq))
        return [(row.before, row.after, row.actor) for row in rows]


def test_a_move_changes_the_row_and_writes_one_event(database: Database) -> None:
    hang(database)
    with database.transaction() as session:
        switch(session, Light.GREEN, actor="sweeper", why="timer")
    with database.reading() as session:
        assert session.get_one(Lamp, "lamp").status == "green"
        event = session.scalars(select(History).order_by(History.seq.desc())).first()
        assert event is not None
        told = (event.kind, event.tenant, event.facts, event.at)
    assert told == ("test_lamps", "acc_a", {"why": "timer"}, NOW)
    assert trail(database) == [(None, "red", "acc_a"), ("red", "green", "sweeper")]


@pytest.mark.parametrize(
    ("start", "to"), [(s, t) for s in Light for t in Light if t not in TABLE[s]], ids=str
)
def test_what_the_table_does_not_draw_is_refused(database: Database, start: Light, to: Light) -> None:
    hang(database, start)
    with pytest.raises(StateConflict) as refused, database.transaction() as session:
        switch(session, to)
    assert refused.value.facts == {"status": start.value, "wanted": to.value}
    assert trail(database) == [(None, start.value, "acc_a")]


def test_other_changes_of_the_thing_are_kept_with_the_move(database: Database) -> None:
    hang(database)
    with database.transaction() as session:
        lamp = session.get_one(Lamp, "lamp")
        lamp.note = "cleaned"
        switch(session, Light.GREEN)
    with database.reading() as session:
        assert session.get_one(Lamp, "lamp").note == "cleaned"


def test_a_stale_view_does_not_move_what_moved_meanwhile(postgres: Database) -> None:
    hang(postgres)
    with pytest.raises(StateConflict), postgres.transaction() as slow:  # noqa: PT012
        lamp = slow.get_one(Lamp, "lamp")
        with postgres.transaction() as quick:
            switch(quick, Light.BROKEN)
        states.move(slow, lamp, Light.GREEN, TABLE, now=NOW, tenant="acc_a", actor="slow")
    assert trail(postgres) == [(None, "red", "acc_a"), ("red", "broken", "acc_a")]


def race(database: Database, mover: Callable[[Session, str], None]) -> int:
    """How many of RACERS, all of which saw RED, believe that they turned the lamp GREEN."""
    ready = threading.Barrier(RACERS)

    def run(number: int) -> bool:
        try:
            with database.transaction() as session:
                seen = session.get_one(Lamp, "lamp")  # held: a session forgets what nobody holds
                ready.wait(timeout=30)
                mover(session, f"racer{number}")
                del seen
        except StateConflict:
            return False
        return True

    with ThreadPoolExecutor(RACERS) as pool:
        return sum(pool.map(run, range(RACERS)))


def turn_green(session: Session, actor: str) -> None:
    switch(session, Light.GREEN, actor=actor)


def turn_green_unguarded(session: Session, actor: str) -> None:
    """move() without its conditional WHERE: what the race below is there to catch."""
    lamp = session.get_one(Lamp, "lamp")
    if Light.GREEN not in TABLE[Light(lamp.status)]:
        raise StateConflict("red only")
    lamp.status = Light.GREEN.value
    session.flush()
    states.record(session, "test_lamps", "lamp", "red", "green", NOW, "acc_a", actor, {})


def test_of_racing_movers_exactly_one_wins(postgres: Database) -> None:
    hang(postgres)
    assert race(postgres, turn_green) == 1
    assert [after for _, after, _ in trail(postgres)] == ["red", "green"]


def test_the_race_catches_a_move_without_its_condition(postgres: Database) -> None:
    hang(postgres)
    assert race(postgres, turn_green_unguarded) == RACERS
    with postgres.reading() as session:
        moved = session.scalar(select(func.count()).where(History.after == "green"))
    assert moved == RACERS
