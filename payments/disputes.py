"""Disputes: a payer's bank takes a deposit back, spent or not.

opened: what the buyer still has available goes first, the rest it owes us (`recv:agent`); the provider's
        charge is ours (`exp:chargeback`); the account is frozen until a person has looked.
won:    the provider gives the money back: what was owed is settled, the rest is available again.
lost:   what has come back to the buyer meanwhile (a bounty that was refunded) pays what it owes; the rest is
        written off (`exp:chargeback`). The buyer's account stays frozen, and what comes back later with it.
a fee that the provider changes later is posted as the difference.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import clock, errors, states
from core.accounts import service as accounts
from core.db import Database, insert_once
from core.money import Money
from payments import ledger, outbox, rules
from payments.rails import DisputeFacts, Provider
from payments.rules import DISPUTE_MOVES, DisputeState, Leg, OperationKind, OperationState
from payments.tables import Dispute, LedgerAccount, LedgerPosting, Operation

Clock = Callable[[], datetime]


def sync(database: Database, provider: Provider, dispute: str, *, clock: Clock = clock.now) -> bool:
    """Reads a dispute anew and records it. False when it is of no deposit of ours.

    Raises:
        Unavailable: the provider does not answer, or the deposit is not in our books yet.
    """
    facts = provider.dispute(dispute)
    if facts.operation is None or not outbox.refresh(database, provider, facts.operation, clock=clock):
        return False
    with database.transaction() as session:
        record(session, provider.name, facts, now=clock())
    return True


def record(session: Session, rail: str, facts: DisputeFacts, *, now: datetime) -> None:
    """Brings the books to what a dispute is now. Any number of times, in any order.

    Raises:
        Unavailable: its deposit is not done in our books.
    """
    if not facts.withdrawn.micros:
        return  # an inquiry: no money has moved
    deposit = session.get(Operation, facts.operation)
    if deposit is None or OperationKind(deposit.kind) is not OperationKind.DEPOSIT:
        return
    if deposit.status != OperationState.DONE:
        raise errors.Unavailable("the disputed deposit is not in the books yet")
    _open(session, rail, facts, deposit.account, now)
    row = session.get_one(Dispute, facts.id, with_for_update=True, populate_existing=True)
    stale = row.status != DisputeState.OPEN and facts.state is DisputeState.OPEN  # read before it was closed
    if row.fee != facts.fees.micros and not stale:
        _charge_more(session, row, facts.fees.micros, now)
    if row.status != DisputeState.OPEN or facts.state is DisputeState.OPEN:
        return
    if facts.state is DisputeState.WON and facts.returned < facts.withdrawn:
        return  # won, and the money is not back yet: another event tells
    _close(session, row, facts.state, now)


def _open(session: Session, rail: str, facts: DisputeFacts, account: str, now: datetime) -> None:
    """The first sight of a dispute; nothing at any other."""
    accounts.lock(session, account)  # before the ledger, as posts do
    spendable = rules.available(account)
    taken = min(_spendable_now(session, account), facts.withdrawn.micros)
    row = {
        "id": facts.id,
        "rail": rail,
        "operation": facts.operation,
        "account": account,
        "amount": facts.withdrawn.micros,
        "fee": facts.fees.micros,
        "taken": taken,
        "status": DisputeState.OPEN.value,
        "opened_at": now,
        "closed_at": None,
    }
    if not insert_once(session, Dispute, row, ["id"]):
        return
    accounts.freeze(session, account, f"dispute {facts.id}", now=now, actor="provider")
    owed, cash = facts.withdrawn.micros - taken, rules.cash_out(rail)
    sides = [
        (spendable, taken),
        (rules.receivable(account), owed),
        (rules.EXPENSE_CHARGEBACK, facts.fees.micros),
    ]
    legs = [Leg(name, cash, Money(micros)) for name, micros in sides if micros]
    ledger.post(session, f"dispute:{facts.id}:open", legs, now=now)
    made = session.get_one(Dispute, facts.id)
    states.began(session, made, now=now, tenant=account, actor="provider", operation=facts.operation)


def _charge_more(session: Session, row: Dispute, fee: int, now: datetime) -> None:
    """What the provider charged since (a dispute that is answered costs again), or gave back of its fee."""
    before = select(func.count()).where(LedgerPosting.key.like(f"dispute:{row.id}:fee:%"))
    sides = [rules.EXPENSE_CHARGEBACK, rules.cash_out(row.rail)]
    source, target = sides if fee > row.fee else reversed(sides)
    key = f"dispute:{row.id}:fee:{session.scalar(before)}"
    ledger.post(session, key, [Leg(source, target, Money(abs(fee - row.fee)))], now=now)
    row.fee = fee


def _spendable_now(session: Session, account: str) -> int:
    """What a buyer has available, locked before it is read: it is there when what is taken is posted."""
    held = session.get(LedgerAccount, rules.available(account), with_for_update=True, populate_existing=True)
    return held.balance if held is not None else 0


def _close(session: Session, row: Dispute, to: DisputeState, now: datetime) -> None:
    states.move(session, row, to, DISPUTE_MOVES, now=now, tenant=row.account, actor="provider")
    row.closed_at = now
    owed, spendable = row.amount - row.taken, rules.available(row.account)
    cash, owes = rules.cash_out(row.rail), rules.receivable(row.account)
    sides = [(cash, spendable, row.taken), (cash, owes, owed)]
    if to is DisputeState.LOST:
        more = min(_spendable_now(session, row.account), owed)
        sides = [(spendable, owes, more), (rules.EXPENSE_CHARGEBACK, owes, owed - more)]
        row.taken += more
    legs = [Leg(source, target, Money(amount)) for source, target, amount in sides if amount]
    if legs:
        ledger.post(session, f"dispute:{row.id}:close", legs, now=now)
