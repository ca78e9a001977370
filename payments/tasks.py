"""Money's work behind the queue: plain functions; `market/worker.py` puts them on Celery.

Each may run at any time, twice, or side by side with itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from core.db import Database
from payments import audit, earnings, outbox
from payments.rails import Rails


def run_operation(database: Database, rails: Rails, operation_id: str, *, lease_for: timedelta) -> None:
    """Carries one deposit or payout a step further."""
    outbox.run_operation(database, rails, operation_id, lease_for=lease_for)


def sweep_operations(database: Database, *, now: datetime) -> int:
    """Wakes workers for every operation that is due, whatever the queue forgot. Gives how many."""
    with database.reading() as session:
        due = outbox.due_operations(session, now)
    if due:
        with database.transaction() as session:
            outbox.wake(session, due, now=now)
    return len(due)


def mature(database: Database, *, now: datetime) -> int:
    """Makes earnings payable whose hold-back has passed. Gives how many."""
    with database.reading() as session:
        if not earnings.anything_matures(session, now):
            return 0  # the sweeper asks five times a second; no write lock for nothing
    with database.transaction() as session:
        return earnings.mature(session, now)


def check_books(database: Database, *, now: datetime) -> list[audit.Figure]:
    """The invariants that do not hold now; an empty list is what it should always give."""
    return [figure for figure in audit.books(database, now=now) if not figure.holds]
