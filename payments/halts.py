"""Halts: what is stopped until a person has looked. A failed audit stops payouts and nothing else.

A halt is a row, so every process sees it at once and a restart does not forget it. It is lifted by one
way only: `python -m payments resume --why "…"`, after an audit in which every figure that stops holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import clock, errors
from core.db import insert_once
from payments.tables import Halt

PAYOUTS = "payouts"


@dataclass(frozen=True, slots=True)
class Halted:
    """A halt in force."""

    id: int
    since: datetime
    why: str


def halt(session: Session, name: str, why: str, *, now: datetime) -> bool:
    """Stops `name`. False when it is stopped already: the first reason stays."""
    row = {"name": name, "since": now, "why": why, "lifted_at": None, "lifted_why": None}
    return insert_once(session, Halt, row, ["name"], among=Halt.lifted_at.is_(None))


def in_force(session: Session, name: str) -> Halted | None:
    """The halt that stops `name` now, if any."""
    found = select(Halt.id, Halt.since, Halt.why).where(Halt.name == name, Halt.lifted_at.is_(None))
    row = session.execute(found).one_or_none()
    return None if row is None else Halted(row.id, row.since, row.why)


def refuse_payouts(session: Session) -> None:
    """Raises PayoutsHalted while payouts are stopped. What is wrong is for operators, not for callers."""
    found = in_force(session, PAYOUTS)
    if found is not None:
        raise errors.PayoutsHalted(
            "payouts are halted until the books have been checked", since=clock.wire(found.since)
        )


def lift(session: Session, halt_id: int, why: str, *, now: datetime) -> bool:
    """Lets go on what this halt stopped. False when somebody lifted it meanwhile."""
    lifted = session.execute(
        update(Halt)
        .where(Halt.id == halt_id, Halt.lifted_at.is_(None))
        .values(lifted_at=now, lifted_why=why)
        .returning(Halt.id)
        .execution_options(synchronize_session=False)
    )
    return lifted.first() is not None
