"""Which worker puts a capture into the verifier's memory: one at a time, and never without an end.

A capture may be compared only when every earlier one is in the memory, so one that cannot be put there would
hold up all behind it. Therefore a worker holds it for a lease, which it renews while it works (a film may
take a minute and a half); who needs it meanwhile comes back later; and after `rules.MAX_REMEMBERINGS` tries
it is given up: its own verdict is left to a person, then its bytes' name alone is remembered, and the others
go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from bounties.rules import CaptureState, MemoryFault
from bounties.tables import Capture

REST = timedelta(seconds=30)  # of a capture between two tries
REST_IF_AWAY = timedelta(seconds=5)
SOONEST, LATEST = timedelta(seconds=1), timedelta(seconds=5)  # until one that waits comes back


@dataclass(frozen=True, slots=True)
class Hold:
    """A worker's turn at remembering one capture; `attempt` counts them from 1."""

    capture: str
    attempt: int


def missing(session: Session, order: int) -> list[str]:
    """Captures submitted up to this one, and itself, that the memory does not hold yet, oldest first.

    A capture may be compared only once this is empty: with it, "no earlier copy" is a fact.
    """
    found = select(Capture.id).where(Capture.order <= order, Capture.remembered_at.is_(None))
    return list(session.scalars(found.order_by(Capture.order)))


def take(session: Session, capture_id: str, *, lease: timedelta, now: datetime) -> Hold | None:
    """Takes the turn. None when another has it, or when nothing is left to do.

    One conditional statement: of two workers at once the second waits for the first one's commit, and then
    finds it taken.
    """
    free = or_(Capture.remembering_until.is_(None), Capture.remembering_until <= now)
    taken = (
        update(Capture)
        .where(Capture.id == capture_id, Capture.remembered_at.is_(None), free)
        .values(remembering_until=now + lease, remember_attempts=Capture.remember_attempts + 1)
        .returning(Capture.remember_attempts)
    )
    attempt = session.scalar(taken)
    return None if attempt is None else Hold(capture_id, attempt)


def renew(session: Session, hold: Hold, *, lease: timedelta, now: datetime) -> bool:
    """Holds it for another lease. False when it is another's by now, or done."""
    mine = (
        (Capture.id == hold.capture)
        & (Capture.remember_attempts == hold.attempt)
        & Capture.remembered_at.is_(None)
    )
    renewed = update(Capture).where(mine).values(remembering_until=now + lease).returning(Capture.id)
    return session.scalar(renewed) is not None


def let_go(session: Session, hold: Hold, *, away: bool, now: datetime) -> None:
    """Leaves it, after a try that failed, to whoever needs it next, a moment later.

    Args:
        away: the whole storage is, which is no capture's fault: the try is not counted.
    """
    mine = (Capture.id == hold.capture) & (Capture.remember_attempts == hold.attempt)
    values = {
        "remembering_until": now + (REST_IF_AWAY if away else REST),
        "remember_attempts": hold.attempt - 1 if away else hold.attempt,
    }
    session.execute(update(Capture).where(mine, Capture.remembered_at.is_(None)).values(values))


def note(session: Session, capture_id: str, *, now: datetime) -> None:
    """Notes that the memory holds it, whoever put it there: put there twice it is there once.

    A fault that stands on it stays: what is there may be its bytes' name alone (`give_up`).
    """
    unset = (Capture.id == capture_id) & Capture.remembered_at.is_(None)
    session.execute(update(Capture).where(unset).values(remembered_at=now, remembering_until=None))


def give_up(session: Session, hold: Hold, fault: MemoryFault) -> bool:
    """Leaves its verdict to a person; to be committed before its bytes' name alone is put into the memory.

    Guaranteed by that order: where no more than the name is in the memory, the fault stands on the capture
    before anybody can `note` it, so no worker judges it, whichever of several comes first with what. (A
    worker that was overtaken may still put the whole picture there between the two: then a person decides
    for nothing.)

    Returns:
        False when it is in the memory by now, or another's turn: then nothing is to be put there.
    """
    mine = (
        (Capture.id == hold.capture)
        & (Capture.remember_attempts == hold.attempt)
        & Capture.remembered_at.is_(None)
    )
    given_up = update(Capture).where(mine).values(memory_fault=fault.value).returning(Capture.id)
    return session.scalar(given_up) is not None


def put_off(session: Session, capture_id: str, *, now: datetime) -> None:
    """Gives a capture whose turn has not come back to the queue: no attempt at it is counted.

    It comes again in a second at first, and less often the longer it has waited: many may wait for one film.
    """
    capture = session.get_one(Capture, capture_id, with_for_update=True, populate_existing=True)
    if capture.status == CaptureState.SUBMITTED:
        capture.due_at = now + min(LATEST, max(SOONEST, (now - capture.submitted_at) / 4))
        session.flush()
