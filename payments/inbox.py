"""The inbox: what a provider tells us, each event once, in any order.

1. The route verifies the signature, `receive`s the event and answers; nothing else happens there.
2. A worker handles it: an event is a hint, so the thing it is about is read anew from the provider and
   recorded by the same functions that a worker's answer or the reconciler uses (`outbox.record_answer`,
   `disputes.record`). So duplicates, any order, and events that come before the answer to our own call all
   end in the same books.
3. One that cannot be handled rests and is tried again; the sweeper finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock, errors
from core.db import Database, insert_once
from core.failpoints import failpoint
from core.queue import enqueue
from payments import disputes, outbox, rules
from payments.rails import About, Provider, What
from payments.tables import InboxEvent

HANDLE_EVENT = "payments.handle_event"
RECONCILE = "payments.reconcile"
WAKE_AFTER = timedelta(seconds=2)
Clock = Callable[[], datetime]


def receive(
    session: Session, source: str, event: str, kind: str, payload: dict[str, Any], *, now: datetime
) -> bool:
    """Takes an event in and asks for a worker. False when it was here before."""
    row = {
        "source": source,
        "event": event,
        "kind": kind,
        "payload": payload,
        "received_at": now,
        "due_at": now + WAKE_AFTER,
        "attempts": 0,
    }
    if not insert_once(session, InboxEvent, row, ["source", "event"]):
        return False
    enqueue(session, HANDLE_EVENT, source, event)
    return True


def handle(
    database: Database, provider: Provider, source: str, event: str, *, clock: Clock = clock.now
) -> None:
    """Acts on one event. Safe to call again, side by side, and for one that was handled.

    Raises:
        NotFound: no such event.
    """
    with database.transaction() as session:
        row = _locked(session, source, event)
        if row.handled_at is not None:
            return
        row.attempts += 1
        row.due_at = clock() + rules.retry_after(row.attempts)
        kind, payload = row.kind, row.payload
    about = provider.about(kind, payload)  # after the commit: an event that cannot be read rests too
    failpoint("inbox.before_provider")
    try:
        outcome = _act(database, provider, about, clock)
    except errors.Unavailable:
        return  # due again by `due_at`
    failpoint("inbox.before_handled")
    with database.transaction() as session:
        row = _locked(session, source, event)
        if row.handled_at is None:
            row.handled_at, row.outcome = clock(), outcome
        if outcome == "unmatched":
            enqueue(session, RECONCILE, provider.name)  # money that moved without us goes to suspense there


def due_events(session: Session, now: datetime, *, limit: int = 100) -> list[tuple[str, str]]:
    """(source, event) of those that a worker should take: never handled, or handled in vain."""
    rows = session.execute(
        select(InboxEvent.source, InboxEvent.event)
        .where(InboxEvent.handled_at.is_(None), InboxEvent.due_at <= now)
        .order_by(InboxEvent.due_at)
        .limit(limit)
    )
    return [(row.source, row.event) for row in rows]


def wake(session: Session, source: str, event: str, *, now: datetime) -> None:
    """Asks for a worker again."""
    row = _locked(session, source, event)
    row.due_at = now + rules.WAKE_AGAIN
    enqueue(session, HANDLE_EVENT, source, event)


def _act(database: Database, provider: Provider, about: About, clock: Clock) -> str:
    """What an event leads to, in one word."""
    if about.what is What.NOTHING:
        return "ignored"
    if about.what is What.PAYEE:
        provider.payee_changed(about.id)
        return "payee"
    if about.what is What.DISPUTE:
        return "dispute" if disputes.sync(database, provider, about.id, clock=clock) else "unmatched"
    if about.what is What.OPERATION and outbox.refresh(database, provider, about.id, clock=clock):
        return "operation"
    return "unmatched"


def _locked(session: Session, source: str, event: str) -> InboxEvent:
    found = session.get(InboxEvent, (source, event), with_for_update=True, populate_existing=True)
    if found is None:
        raise errors.NotFound("no such event")
    return found
