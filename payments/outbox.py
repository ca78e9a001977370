"""The outbox: orders to rails, recorded with the state they belong to, carried out afterwards.

1. The caller's transaction writes the operation (and a payout's reservation) and commits.
2. A worker takes it: `sent`, under a lease, committed.
3. It calls the rail with no transaction open.
4. A second transaction records the outcome and its posting.

A worker that dies between 2 and 4 leaves `sent` behind with a lease that runs out. Nobody knows then
what the rail did, so it is looked up, never blindly sent again; only a rail that is sure it never saw
the order gets it once more, under the same id, at once: a look-up says nothing of a day later.

While payouts are halted (`halts.py`) a payout that no rail has seen rests where it is; deposits, and
look-ups of what was sent before, go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, not_, or_, select, update
from sqlalchemy.orm import Session

from core import clock, errors, states
from core.db import Database, insert_once
from core.failpoints import failpoint
from core.ids import new_id
from core.money import Money
from core.queue import enqueue
from payments import halts, ledger, provider, rules
from payments.rails import Answer, Order, Outcome, Rail, Rails
from payments.rules import OPERATION_MOVES, Leg, Method, OperationKind, OperationState
from payments.tables import Operation

RUN_OPERATION = "payments.run_operation"
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class _Taken:
    """An operation under our lease; `fresh` when the rail cannot have heard of it yet; `halted` when it may
    be looked up and not sent."""

    order: Order
    rail: str
    fresh: bool
    attempt: int
    halted: bool


def request_deposit(
    session: Session,
    account: str,
    amount: Money,
    *,
    rail: str,
    now: datetime,
    method: Method | None = None,
) -> Operation:
    """Orders a deposit. The balance grows when the rail says that the money is there.

    Raises:
        BadInput: an amount that this rail does not move.
    """
    return order(session, OperationKind.DEPOSIT, account, amount, rail=rail, now=now, method=method)


def order(
    session: Session,
    kind: OperationKind,
    account: str,
    amount: Money,
    *,
    rail: str,
    now: datetime,
    method: Method | None = None,
    parent: str | None = None,
) -> Operation:
    """Writes an operation and asks for a worker, in the caller's transaction. Posts nothing.

    Raises:
        BadInput: an amount that this rail does not move.
    """
    operation = Operation(**_row(kind, account, amount, rail, now, method=method, parent=parent))
    session.add(operation)
    return _ordered(session, operation, now)


def order_weekly(
    session: Session, account: str, amount: Money, *, rail: str, week: str, now: datetime
) -> Operation | None:
    """A payout as `order` writes it, unless the account's of that week is there: then None.

    Raises:
        BadInput: an amount that this rail does not move.
    """
    row = _row(OperationKind.PAYOUT, account, amount, rail, now) | {"week": week}
    if not insert_once(session, Operation, row, ["account", "week"]):
        return None
    return _ordered(session, session.get_one(Operation, row["id"]), now)


def _row(
    kind: OperationKind,
    account: str,
    amount: Money,
    rail: str,
    now: datetime,
    *,
    method: Method | None = None,
    parent: str | None = None,
) -> dict[str, Any]:
    rules.check_amount(kind, rail, amount)
    return {
        "id": new_id("ops"),
        "kind": kind.value,
        "account": account,
        "amount": amount.micros,
        "rail": rail,
        "status": OperationState.NEW.value,
        "attempts": 0,
        "method": method.value if method else None,
        "parent": parent,
        "undone": 0,
        "created_at": now,
        "due_at": now,
        "week": None,
    }


def _ordered(session: Session, operation: Operation, now: datetime) -> Operation:
    """Notes the order in its owner's history and asks for a worker."""
    account, amount = operation.account, Money(operation.amount)
    states.began(
        session, operation, now=now, tenant=account, actor=account, kind=operation.kind, amount=str(amount)
    )
    enqueue(session, RUN_OPERATION, operation.id)
    return operation


def run_operation(
    database: Database,
    rails: Rails,
    operation_id: str,
    *,
    lease_for: timedelta = rules.LEASE,
    clock: Clock = clock.now,
) -> None:
    """Carries one operation a step further. Safe to call at any time, from anywhere, again.

    Does nothing when the operation has ended, rests, is halted, or is under another worker's lease.
    `lease_for` is longer than the rail's own timeout: a lease that ends while the call is on its way costs
    a look-up.

    Raises:
        NotFound: no such operation.
        Unavailable: this house has no rail of that name.
    """
    with database.transaction() as session:
        taken = _take(session, operation_id, lease_for, clock())
    if taken is None:
        return
    rail = _rail(rails, taken.rail)
    answer = None if taken.fresh else rail.look_up(taken.order)
    if answer is None and taken.halted:
        answer = Answer(Outcome.UNKNOWN, reason="payouts_halted")
    if answer is None:  # the rail cannot have heard of it, or is sure that it has not
        failpoint("operation.before_rail")
        answer = rail.send(taken.order)
    failpoint("operation.after_rail")
    with database.transaction() as session:
        record_answer(session, operation_id, answer, now=clock(), attempt=taken.attempt)
    failpoint("operation.after_commit")


def refresh(database: Database, rail: Rail, operation_id: str, *, clock: Clock = clock.now) -> bool:
    """Looks an operation up at its rail and records what it says now, whoever else works on it.

    What a webhook leads to. It never sends: an order that the rail does not know yet stays with its worker.

    Returns:
        False when there is no such operation at this rail.
    """
    with database.reading() as session:
        operation = session.get(Operation, operation_id)
        if operation is None or operation.rail != rail.name:
            return False
        kind = OperationKind(operation.kind)
        if operation.status == OperationState.DONE and kind not in rules.MAY_COME_BACK:
            return True  # nothing that the rail says could change it
        wanted = _as_order(session, operation)
    answer = rail.look_up(wanted)
    failpoint("operation.after_rail")
    if answer is not None and answer.outcome is not Outcome.UNKNOWN:
        with database.transaction() as session:
            record_answer(session, operation_id, answer, now=clock())
    return True


def record_answer(
    session: Session, operation_id: str, answer: Answer, *, now: datetime, attempt: int | None = None
) -> Operation:
    """Records what a rail said, and posts it: the one function that worker, look-up and webhook share.

    Recording the same end again changes nothing; an unknown after an end is ignored.

    Args:
        attempt: whose answer it is. From a worker whose lease ran out only what is sure for ever counts: what
            was refused to it may have been granted to the next, which has the operation now.

    Raises:
        NotFound: no such operation.
        BooksRefused: the rail contradicts the end it gave before.
    """
    operation = _locked(session, operation_id)
    if operation.kind == OperationKind.REFUND and operation.parent is not None:
        _locked(session, operation.parent)  # before the ledger, as `refunds.request_refund` does
    state = OperationState(operation.status)
    if answer.outcome in (Outcome.FAILED, Outcome.UNKNOWN) and attempt not in {None, operation.attempts}:
        return operation
    if state not in rules.OPEN_STATES:
        _after_the_end(session, operation, answer, now, late=attempt is not None)
        return operation
    operation.reason = answer.reason
    operation.reference = answer.reference or operation.reference
    operation.url = answer.url
    if answer.outcome in (Outcome.UNKNOWN, Outcome.WAITING):
        waits = answer.outcome is Outcome.WAITING
        operation.due_at = now + (rules.LOOK_AGAIN if waits else rules.retry_after(operation.attempts))
        if state.value != answer.outcome.value:
            _move(session, operation, OperationState(answer.outcome.value), now)
        return operation
    end = OperationState(answer.outcome.value)
    operation.ended_at = now
    kind, amount = OperationKind(operation.kind), Money(operation.amount)
    legs = rules.ending_legs(kind, end, operation.rail, operation.account, amount)
    _move(session, operation, end, now)
    if legs:
        ledger.post(session, f"{operation.kind}:{operation.id}:{end.value}", legs, now=now)
    if answer.fee is not None:
        provider.post_fee(session, operation.rail, answer.fee, now=now)
    _what_follows(session, operation, end, now)
    return operation


def _after_the_end(
    session: Session, operation: Operation, answer: Answer, now: datetime, *, late: bool
) -> None:
    """What an answer means for an operation that has ended: nothing, or that a bank sent the money back.

    A refund and a payout to a bank may fail days after the provider called them done. A worker whose answer
    is `late` may still say done of one that failed since: a webhook was quicker than it.

    Raises:
        BooksRefused: the rail contradicts the end it gave before.
    """
    state, kind = OperationState(operation.status), OperationKind(operation.kind)
    if answer.outcome in (Outcome.UNKNOWN, Outcome.WAITING) or answer.outcome.value == state.value:
        return
    if state is OperationState.RETURNED:
        return  # told again, or read before it came back and recorded after
    if late and kind in rules.MAY_COME_BACK and answer.outcome is Outcome.DONE:
        return
    if kind not in rules.MAY_COME_BACK or answer.outcome is not Outcome.FAILED:
        raise errors.BooksRefused("the rail contradicts itself", operation=operation.id, status=state.value)
    _move(session, operation, OperationState.RETURNED, now)
    operation.reason = answer.reason
    if kind is OperationKind.REFUND:
        leg = Leg(rules.cash_out(operation.rail), rules.available(operation.account), Money(operation.amount))
        ledger.post(session, f"refund:{operation.id}:returned", [leg], now=now)
    _what_follows(session, operation, OperationState.FAILED, now)


def _what_follows(session: Session, operation: Operation, end: OperationState, now: datetime) -> None:
    """What one operation's end sets going, in the same commit."""
    kind, done = OperationKind(operation.kind), end is OperationState.DONE
    next_kind, due_at = None, now
    if kind is OperationKind.PAYOUT and done and operation.rail in rules.TWO_STAGE_RAILS:
        next_kind = OperationKind.BANK_PAYOUT
    if kind is OperationKind.BANK_PAYOUT and not done:
        next_kind = OperationKind.REVERSAL  # the money waits at the provider: it comes back to us
    if kind is OperationKind.REVERSAL and not done:
        next_kind, due_at = OperationKind.REVERSAL, now + rules.REVERSE_AGAIN  # it waits there still
    if kind is OperationKind.REFUND and not done and operation.parent is not None:
        deposit = _locked(session, operation.parent)
        deposit.undone -= operation.amount
    if next_kind is not None:
        parent = operation.id if kind is OperationKind.PAYOUT else operation.parent
        account, amount, rail = operation.account, Money(operation.amount), operation.rail
        order(session, next_kind, account, amount, rail=rail, now=now, parent=parent).due_at = due_at
        session.flush()


def due_operations(session: Session, now: datetime, *, limit: int = 100) -> list[str]:
    """Ids of operations a worker should take: new, left behind, or rested; the longest due first.

    One that a worker was asked for a moment ago is left out, so that a busy queue is not flooded; so is
    what a halt keeps from being sent.
    """
    asleep = or_(Operation.woken_at.is_(None), Operation.woken_at <= now - rules.WAKE_AGAIN)
    due = select(Operation.id).where(
        Operation.status.in_(sorted(rules.OPEN_STATES)), Operation.due_at <= now, asleep
    )
    if halts.in_force(session, halts.PAYOUTS) is not None:
        leaving = and_(Operation.kind.in_(sorted(rules.LEAVING)), Operation.status == OperationState.NEW)
        due = due.where(not_(leaving))
    return list(session.scalars(due.order_by(Operation.due_at).limit(limit)))


def wake(session: Session, operation_ids: list[str], *, now: datetime) -> None:
    """Asks for a worker for each of these operations."""
    session.execute(update(Operation).where(Operation.id.in_(operation_ids)).values(woken_at=now))
    for operation_id in operation_ids:
        enqueue(session, RUN_OPERATION, operation_id)


def _take(session: Session, operation_id: str, lease_for: timedelta, now: datetime) -> _Taken | None:
    """Puts an operation under our lease, if it is due and no halt keeps it."""
    operation = _locked(session, operation_id)
    state = OperationState(operation.status)
    if state not in rules.OPEN_STATES or operation.due_at > now:
        return None
    fresh = state is OperationState.NEW
    halted = operation.kind in rules.LEAVING and halts.in_force(session, halts.PAYOUTS) is not None
    if fresh and halted:
        return None
    operation.attempts += 1
    operation.due_at = now + lease_for
    if fresh:
        operation.sent_at = now
        _move(session, operation, OperationState.SENT, now)
    session.flush()
    return _Taken(_as_order(session, operation), operation.rail, fresh, operation.attempts, halted)


def _as_order(session: Session, operation: Operation) -> Order:
    parent = session.get_one(Operation, operation.parent) if operation.parent is not None else None
    return Order(
        operation.id,
        OperationKind(operation.kind),
        operation.account,
        Money(operation.amount),
        Method(operation.method) if operation.method else None,
        parent.reference if parent is not None else None,
        operation.reference,
    )


def _locked(session: Session, operation_id: str) -> Operation:
    found = session.get(Operation, operation_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise errors.NotFound("no such operation")
    return found


def _move(session: Session, operation: Operation, to: OperationState, now: datetime) -> None:
    facts: dict[str, errors.Fact] = {"attempts": operation.attempts, "reason": operation.reason}
    states.move(
        session, operation, to, OPERATION_MOVES, now=now, tenant=operation.account, actor="outbox", **facts
    )


def _rail(rails: Rails, name: str) -> Rail:
    rail = rails.get(name)
    if rail is None:
        raise errors.Unavailable(f"this house has no rail named {name}")
    return rail
