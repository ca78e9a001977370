"""Money's work behind the queue: plain functions; `market/worker.py` puts them on Celery.

Each may run at any time, twice, or side by side with itself.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from core.db import Database
from core.errors import InsufficientFunds, PayoutsHalted
from core.money import Money
from payments import audit, escrow, halts, outbox, payouts
from payments.rails import Rails

_log = logging.getLogger(__name__)
AUDIT_BOOKS = "payments.audit_books"
ORDER_PAYOUTS = "payments.order_payouts"


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
        if not escrow.anything_matures(session, now):
            return 0  # the sweeper asks five times a second; no write lock for nothing
    with database.transaction() as session:
        return escrow.mature(session, now)


def check_books(database: Database, *, now: datetime) -> list[audit.Figure]:
    """The invariants that do not hold now; an empty list is what it should always give."""
    return [figure for figure in audit.books(database, now=now) if not figure.holds]


def audit_books(database: Database, *, now: datetime) -> list[audit.Figure]:
    """Checks every invariant; when one does not hold, payouts are halted. Gives those that do not hold."""
    wrong = check_books(database, now=now)
    if wrong:
        why = "; ".join(f"{figure.name} is off by {figure.figure}" for figure in wrong)
        _log.error("the books do not hold, payouts are halted: %s", why)
        with database.transaction() as session:
            halts.halt(session, halts.PAYOUTS, why, now=now)
    return wrong


def order_payouts(database: Database, *, now: datetime, minimum: Money) -> int:
    """Orders this week's payouts, batch by batch. Gives how many; none while payouts are halted."""
    total = 0
    while True:
        try:
            with database.transaction() as session:
                ordered = payouts.order_due(session, now=now, minimum=minimum)
        except InsufficientFunds:
            continue  # somebody took money out by hand since the batch was read: it is read again
        except PayoutsHalted:
            _log.warning("payouts are halted: this week's are not ordered")
            return total
        if not ordered:
            return total
        total += len(ordered)
