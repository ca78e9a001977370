"""Money's work behind the queue: plain functions; `market/worker.py` puts them on Celery.

Each may run at any time, twice, or side by side with itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from core import errors
from core.db import Database
from core.sweeper import Sweeper
from payments import audit, escrow, inbox, outbox, reconcile, topups
from payments.rails import Provider, Rails
from payments.tables import Reconciliation


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
    with sweeper.database.reading() as session:
        low = topups.low_accounts(session)
    return sweeper.each(low, lambda session, account: topups.fill(session, account, now=now))


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
        if not escrow.anything_matures(session, now):
            return 0  # the sweeper asks five times a second; no write lock for nothing
    with database.transaction() as session:
        return escrow.mature(session, now)


def check_books(database: Database, *, now: datetime) -> list[audit.Figure]:
    """The invariants that do not hold now; an empty list is what it should always give."""
    return [figure for figure in audit.books(database, now=now) if not figure.holds]
