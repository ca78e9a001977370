"""Reconciliation: our cash at a provider beside the provider's own ledger, line by line.

Each of its movements is either explained by an operation or a dispute of ours, which then is in our books;
or in flight, because that operation has not been recorded yet; or a stray: money that moved without us goes
to `suspense`, where an audit reports it until a person has looked. With its fees and what became free
posted as well,

    what the provider holds = -(asset:<rail>:pending + asset:<rail>:available) + what is in flight

and what is left over is the difference. Both are read while nothing moves: their balance is the same before
and after what is new was listed and ours was read. Else a deposit recorded in between would stand on one
side only, and a healthy market would be halted.

Some ends move nothing here, and their webhook may be lost: a dispute that is lost, a contributor's bank that
sends a payout back. So open disputes, and bank payouts for some days after they were done, are read anew too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import clock, errors
from core.db import Database, insert_once
from core.ids import new_id
from core.money import Money
from payments import disputes, ledger, outbox, provider, rules
from payments.rails import Fee, Movement, Provider
from payments.rules import DisputeState, Leg, OperationKind, OperationState
from payments.tables import Dispute, Operation, ProviderTransaction, Reconciliation

Clock = Callable[[], datetime]
OVERLAP = timedelta(days=8)  # most movements become free within it
TRIES = 8  # at a moment in which nothing moves
ARRIVALS = frozenset({"charge", "payment"})
OF_DISPUTES = frozenset({"adjustment"})
SENT_BACK = frozenset({"refund_failure", "payout_failure"})
RECORDED_WITHIN = timedelta(days=1)
CAPTURED_WITHIN = timedelta(hours=2)  # Stripe captures a checkout's charge within one
LOOK_BACK_EVERY = timedelta(days=1)
_START = datetime(2020, 1, 1, tzinfo=UTC)


def reconcile(database: Database, rail: Provider, *, clock: Clock = clock.now) -> Reconciliation:
    """Reads the provider's ledger, posts what it alone can tell, and compares. Safe to run again.

    Raises:
        Unavailable: the provider does not answer, or something moved at each try. Nothing is recorded then.
    """
    newest = _look_from(database, rail, _since(database, rail.name), clock)
    _look_back(database, rail, clock)
    for _ in range(TRIES):
        theirs = rail.cash()
        newest = _look_from(database, rail, newest, clock)
        with database.reading() as session:
            made = _compare(session, rail.name, theirs, clock())
        if rail.cash() == theirs:
            with database.transaction() as session:
                session.add(made)
            return made
    raise errors.Unavailable("the provider's balance moved each time it was compared")


def _since(database: Database, rail: str) -> datetime:
    """From when on the provider's ledger may tell more than is known: its oldest open movement, at least the
    last days. Disputed or held money may take longer than those to become free."""
    mine = ProviderTransaction.rail == rail
    is_open = ProviderTransaction.freed_at.is_(None) | ProviderTransaction.explained_by.is_(None)
    created = ProviderTransaction.created_at
    with database.reading() as session:
        latest = session.scalar(select(func.max(created)).where(mine))
        oldest = session.scalar(select(func.min(created)).where(mine, is_open))
    if latest is None:
        return _START
    return min(latest - OVERLAP, oldest or latest)


def _look_from(database: Database, rail: Provider, since: datetime, clock: Clock) -> datetime:
    """Looks at each movement from a time on. Gives when the newest was made."""
    for movement in rail.movements(since):
        _look(database, rail, movement, clock)
        since = max(since, movement.at)
    return since


def _look_back(database: Database, rail: Provider, clock: Clock) -> None:
    """Reads anew what may end without a movement of our cash."""
    now = clock()
    with database.reading() as session:
        unsettled = session.scalars(
            select(Dispute.id).where(Dispute.rail == rail.name, Dispute.status == DisputeState.OPEN.value)
        ).all()
        sent_on = session.scalars(
            select(Operation.id).where(
                Operation.rail == rail.name,
                Operation.kind == OperationKind.BANK_PAYOUT.value,
                Operation.status == OperationState.DONE.value,
                Operation.ended_at > now - rules.SENDS_BACK_WITHIN,
                Operation.due_at <= now,
            )
        ).all()
    for dispute in unsettled:
        disputes.sync(database, rail, dispute, clock=clock)
    for payout in sent_on:
        outbox.refresh(database, rail, payout, clock=clock)
        with database.transaction() as session:
            session.execute(
                update(Operation).where(Operation.id == payout).values(due_at=now + LOOK_BACK_EVERY)
            )


def _look(database: Database, rail: Provider, movement: Movement, clock: Clock) -> None:
    """One movement: seen, explained, free."""
    with database.reading() as session:
        seen = session.get(ProviderTransaction, (rail.name, movement.id))
        if seen is not None and seen.explained_by and (seen.freed_at or not movement.free):
            return
        waits = _unrecorded_operation(session, movement)
    if waits is not None:
        outbox.refresh(database, rail, waits, clock=clock)
    if movement.kind in OF_DISPUTES and movement.source is not None:
        disputes.sync(database, rail, movement.source, clock=clock)
    with database.transaction() as session:
        row = _row(session, rail.name, movement)
        if row.explained_by is None:
            row.explained_by = _explanation(session, rail.name, movement, clock())
        if row.explained_by is not None and movement.free and row.freed_at is None:
            _free(session, rail.name, movement, clock())
            row.freed_at = clock()


def _row(session: Session, rail: str, movement: Movement) -> ProviderTransaction:
    values = {
        "rail": rail,
        "id": movement.id,
        "kind": movement.kind,
        "source": movement.source,
        "amount": movement.amount,
        "fee": movement.fee,
        "created_at": movement.at,
    }
    insert_once(session, ProviderTransaction, values, ["rail", "id"])
    return session.get_one(
        ProviderTransaction, (rail, movement.id), with_for_update=True, populate_existing=True
    )


def _unrecorded_operation(session: Session, movement: Movement) -> str | None:
    """The operation that made a movement, where our books may not have what it says yet."""
    if movement.operation is None:
        return None
    operation = session.get(Operation, movement.operation)
    if operation is None:
        return None
    late = movement.kind in SENT_BACK and operation.status == OperationState.DONE
    return operation.id if late or operation.status in rules.OPEN_STATES else None


def _explanation(session: Session, rail: str, movement: Movement, now: datetime) -> str | None:
    """What of ours explains a movement; None while that is not in our books. A stray goes to suspense."""
    if movement.operation is not None:
        operation = session.get(Operation, movement.operation)
        if operation is not None and operation.rail == rail and not _never_ours(operation, movement, now):
            if not _in_our_books(operation, movement):
                return None
            _post_fee(session, rail, movement, now)
            return operation.id
    if movement.source is not None and session.get(Dispute, movement.source) is not None:
        return movement.source  # its fee was posted with it
    _post_stray(session, rail, movement, now)
    _post_fee(session, rail, movement, now)
    return rules.SUSPENSE


def _in_our_books(operation: Operation, movement: Movement) -> bool:
    """Whether what an operation is now accounts for a movement that it made."""
    state = OperationState(operation.status)
    if movement.kind in SENT_BACK:  # while it is done we have not heard yet that it came back
        return state in (OperationState.RETURNED, OperationState.FAILED)
    # A refund that failed before we looked went out and came back: both movements are its own.
    came_back = operation.kind in rules.MAY_COME_BACK and state is OperationState.FAILED
    return came_back or state in (OperationState.DONE, OperationState.RETURNED)


def _never_ours(operation: Operation, movement: Movement, now: datetime) -> bool:
    """Whether an operation that failed in our books moved money all the same: nobody will record it now."""
    failed = operation.status == OperationState.FAILED and operation.kind not in rules.MAY_COME_BACK
    return failed and movement.kind not in SENT_BACK and now - movement.at > RECORDED_WITHIN


def _post_fee(session: Session, rail: str, movement: Movement, now: datetime) -> None:
    if movement.fee > 0:
        fee, arrived = Fee(movement.id, Money(movement.fee)), movement.kind in ARRIVALS
        provider.post_fee(session, rail, fee, now=now, arrived=arrived)


def _post_stray(session: Session, rail: str, movement: Movement, now: datetime) -> None:
    """Money that moved without us: into suspense, or out of it."""
    amount = Money(abs(movement.amount))
    if not amount.micros:
        return
    cash = rules.cash_in(rail) if movement.kind in ARRIVALS else rules.cash_out(rail)
    sides = (cash, rules.SUSPENSE) if movement.amount > 0 else (rules.SUSPENSE, cash)
    ledger.post(session, f"{rail}:{movement.id}:stray", [Leg(*sides, amount)], now=now)


def _free(session: Session, rail: str, movement: Movement, now: datetime) -> None:
    """What arrived is free: only arrivals were pending."""
    if movement.kind in ARRIVALS and rail in rules.TWO_STAGE_RAILS:
        net = Money(movement.amount - movement.fee)
        provider.post_available(session, rail, movement.id, net, now=now)


def _not_captured(session: Session, rail: str, now: datetime) -> int:
    """Deposits whose payer has paid and whose movement the provider makes some minutes later. Not older
    ones: after that time a deposit without a movement is a difference."""
    movements = select(ProviderTransaction.id).where(
        ProviderTransaction.rail == rail, ProviderTransaction.explained_by == Operation.id
    )
    found = select(func.sum(Operation.amount)).where(
        Operation.rail == rail,
        Operation.kind == OperationKind.DEPOSIT.value,
        Operation.status == OperationState.DONE.value,
        Operation.ended_at > now - CAPTURED_WITHIN,
        ~movements.exists(),
    )
    return int(session.scalar(found) or 0)


def _compare(session: Session, rail: str, theirs: int, now: datetime) -> Reconciliation:
    ours = -sum(ledger.balance(session, name) for name in {rules.cash_in(rail), rules.cash_out(rail)})
    unexplained = select(func.sum(ProviderTransaction.amount - ProviderTransaction.fee)).where(
        ProviderTransaction.rail == rail, ProviderTransaction.explained_by.is_(None)
    )
    in_flight = int(session.scalar(unexplained) or 0) - _not_captured(session, rail, now)
    return Reconciliation(
        id=new_id("rec"),
        rail=rail,
        ours=ours,
        theirs=theirs,
        in_flight=in_flight,
        difference=theirs - ours - in_flight,
        at=now,
    )
