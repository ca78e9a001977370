"""The one way a status changes. The history row it writes IS the event.

Each domain draws its transition table in `rules.py`; `move` refuses everything else. The change is
a conditional UPDATE (`… WHERE status = :from`), so of two racing callers one wins and the other
gets StateConflict, on every database.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from sqlalchemy import Index, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Big
from core.errors import Fact, StateConflict

State = TypeVar("State", bound=StrEnum)
Transitions = Mapping[State, frozenset[State]]


class History(Base):
    """One row a change: the audit trail, the outbox of webhooks, and the event feed in one.

    `seq` orders the events; `tenant` is the account whose feed it belongs to.
    """

    __tablename__ = "history"
    __table_args__ = (Index("ix_history_tenant_seq", "tenant", "seq"), Index("ix_history_subject", "subject"))

    seq: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=True)
    tenant: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    before: Mapped[str | None]
    after: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]
    facts: Mapped[dict[str, Any]]


class Thing(Protocol):
    """A row with an id and a status."""

    __tablename__: str
    id: Any
    status: Any


def move(
    session: Session,
    thing: Thing,
    to: State,
    table: Transitions[State],
    *,
    now: datetime,
    tenant: str,
    actor: str,
    **facts: Fact,
) -> None:
    """Moves `thing` to state `to`, if `table` allows it and nobody moved it first.

    Args:
        tenant: the account whose event feed gets the row.
        actor: who did it: an account id, or "policy", "sweeper".

    Raises:
        StateConflict: the table has no such transition, or the row has moved meanwhile.
    """
    before = thing.status
    if to not in table[type(to)(before)]:
        raise _conflict(thing, before, to)
    session.flush()
    kind = type(thing)
    moved = session.execute(
        update(kind)
        .where(kind.id == thing.id, kind.status == before)
        .values(status=to.value)
        .execution_options(synchronize_session=False)
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
        raise _conflict(thing, before, to)
    session.refresh(thing, ["status"])
    record(session, thing.__tablename__, thing.id, before, to.value, now, tenant, actor, dict(facts))


def began(session: Session, thing: Thing, *, now: datetime, tenant: str, actor: str, **facts: Fact) -> None:
    """Writes the history row of a thing just made (before = None)."""
    session.flush()
    record(session, thing.__tablename__, thing.id, None, thing.status, now, tenant, actor, dict(facts))


def record(
    session: Session,
    kind: str,
    subject: str,
    before: str | None,
    after: str,
    now: datetime,
    tenant: str,
    actor: str,
    facts: dict[str, Any],
) -> None:
    """Writes one history row."""
    session.add(
        History(
            tenant=tenant,
            kind=kind,
            subject=subject,
            before=before,
            after=after,
            actor=actor,
            at=now,
            facts=facts,
        )
    )


def _conflict(thing: Thing, before: str, to: StrEnum) -> StateConflict:
    return StateConflict(
        f"{thing.id} cannot go from {before} to {to.value}", status=str(before), wanted=to.value
    )
