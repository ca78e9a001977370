"""Money's work behind the queue: plain functions; `market/worker.py` puts them on Celery.

Each may run at any time, twice, or side by side with itself.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from core import errors
from core.db import Database
from core.errors import InsufficientFunds, PayoutsHalted
from core.money import Money
from core.sweeper import Sweeper
from payments import audit, earnings, halts, inbox, outbox, payouts, reconcile, topups
from payments.rails import Provider, Rails
from payments.tables import Reconciliation

_log = logging.getLogger(__name__)
AUDIT_BOOKS = "payments.audit_books"
ORDER_PAYOUTS = "payments.order_payouts"
RECONCILE = inbox.RECONCILE


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


def handle_event(database: Database, rails: Rails, source: str, event: str) -> None:
    """Acts on one event of a provider."""
    provider = _provider(rails, source)
    inbox.handle(database, provider, source, event)


def sweep_inbox(sweeper: Sweeper, *, now: datetime) -> int:
    """Wakes workers for events that nobody has handled. Gives how many."""
    with sweeper.database.reading() as session:
        due = {f"{source}/{event}": (source, event) for source, event in inbox.due_events(session, now)}
    return sweeper.each(due, lambda session, item: inbox.wake(session, *due[item], now=now))


def top_up(sweeper: Sweeper, *, now: datetime) -> int:
    """Orders the automatic top-ups that are due. Gives how many accounts were looked at."""
    looked, after = 0, ""
    while True:  # page by page: a page of accounts at their cap must not hide those behind it
        with sweeper.database.reading() as session:
            low = topups.low_accounts(session, after=after)
        if not low:
            return looked
        looked += sweeper.each(low, lambda session, account: topups.fill(session, account, now=now))
        after = low[-1]


def reconcile_rail(database: Database, rails: Rails, rail: str) -> Reconciliation:
    """Compares our cash at a provider with its own books."""
    return reconcile.reconcile(database, _provider(rails, rail))


def _provider(rails: Rails, name: str) -> Provider:
    found = rails.get(name)
    if found is None or not isinstance(found, Provider):
        raise errors.Unavailable(f"this house has no provider named {name}")
    return found


def mature(database: Database, *, now: datetime) -> int:
    """Makes earnings payable whose hold-back has passed. Gives how many."""
    with database.reading() as session:
        if not earnings.anything_matures(session, now):
            return 0  # the sweeper asks five times a second; no write lock for nothing
    with database.transaction() as session:
        return earnings.mature(session, now)


def check_books(database: Database, *, now: datetime) -> list[audit.Figure]:
    """The invariants that say the books are wrong; an empty list is what it should always give."""
    figures = audit.books(database, now=now)
    for figure in figures:
        if figure.alarm and not figure.holds:
            _log.warning("%s: %s: %d", figure.name, figure.says, figure.figure)
    return [figure for figure in figures if figure.stops]


def audit_books(database: Database, *, now: datetime) -> list[audit.Figure]:
    """Checks every invariant; when one does not hold, payouts are halted. Gives those that do not hold.

    An audit that cannot come to its end halts them too, and raises what stopped it: nobody knows then.
    """
    try:
        wrong = check_books(database, now=now)
    except Exception as fault:
        _log.exception("the audit failed, payouts are halted")
        with database.transaction() as session:
            halts.halt(session, halts.PAYOUTS, f"the audit failed: {type(fault).__name__}", now=now)
        raise
    if wrong:
        why = "; ".join(f"{figure.name} is off by {figure.figure}" for figure in wrong)
        _log.error("the books do not hold, payouts are halted: %s", why)
        with database.transaction() as session:
            halts.halt(session, halts.PAYOUTS, why, now=now)
    return wrong


def order_payouts(database: Database, *, now: datetime, minimum: Money, rail: str = "sandbox") -> int:
    """Orders this week's payouts, batch by batch. Gives how many; none while payouts are halted."""
    total = 0
    while True:
        try:
            with database.transaction() as session:
                ordered = payouts.order_due(session, now=now, minimum=minimum, rail=rail)
        except InsufficientFunds:
            continue  # somebody took money out by hand since the batch was read: it is read again
        except PayoutsHalted:
            _log.warning("payouts are halted: this week's are not ordered")
            return total
        if not ordered:
            return total
        total += len(ordered)
