"""Payouts: what a contributor earned leaves through a rail, reserved first so that it cannot leave twice.

payable -> in_payout     with the order, in the caller's transaction
in_payout -> asset:<rail>   when the rail says done (`outbox.record_answer`)
in_payout -> payable        when the rail says failed

A contributor orders one by hand, any time; once a week the house orders one for everybody with enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from core.accounts.rules import AccountState
from core.accounts.tables import Account
from core.money import Money
from payments import halts, ledger, outbox, rules
from payments.rules import Leg, OperationKind
from payments.tables import LedgerAccount, Operation, RailAccount

BATCH = 200  # payouts a commit: what a crash can undo, and how long their accounts are locked


def request_payout(session: Session, account: str, amount: Money, *, rail: str, now: datetime) -> Operation:
    """Orders a payout and reserves its money: payable -> in_payout, in this transaction.

    Raises:
        PayoutsHalted: the books did not pass their audit.
        BadInput: less than a cent, or more than one operation may move.
        InsufficientFunds: more than is payable.
    """
    halts.refuse_payouts(session)
    ordered = outbox.order(session, OperationKind.PAYOUT, account, amount, rail=rail, now=now)
    ledger.post_all(session, [_reservation(ordered)], now=now)
    return ordered


def order_due(
    session: Session,
    *,
    now: datetime,
    minimum: Money = rules.PAYOUT_MINIMUM,
    rail: str = "sandbox",
    limit: int = BATCH,
) -> list[Operation]:
    """Orders this ISO week's payout for at most `limit` contributors with at least `minimum` payable.

    One netted payout each, in whole cents: what is under a cent stays payable. Call it until it gives
    nothing; two runs at once order one payout a contributor, by a unique key of account and week.

    Args:
        minimum: at least a cent.

    Raises:
        PayoutsHalted: the books did not pass their audit.
        InsufficientFunds: somebody took money out by hand since this read its balance. Nothing was
            ordered once the caller rolls back; call again.
    """
    halts.refuse_payouts(session)
    week = rules.iso_week(now)
    ordered: list[Operation] = []
    for account, payable in _due(session, week, minimum, limit, rail):
        amount = rules.whole_cents(Money(payable))
        made = outbox.order_weekly(session, account, amount, rail=rail, week=week, now=now)
        if made is not None:
            ordered.append(made)
    ledger.post_all(session, [_reservation(made) for made in ordered], now=now)
    return ordered


def _due(session: Session, week: str, minimum: Money, limit: int, rail: str) -> Sequence[Row[str, int]]:
    """Open accounts with enough payable and no payout of this week, ascending: as all runs take them.

    They are locked: one that is being frozen is waited for, and then left out.
    """
    prefix, suffix = rules.payable("|").split("|")
    account = func.substr(
        LedgerAccount.id, len(prefix) + 1, func.length(LedgerAccount.id) - len(prefix + suffix)
    )
    had = select(Operation.id).where(Operation.account == account, Operation.week == week)
    found = (
        select(account, LedgerAccount.balance)
        .join(Account, Account.id == account)
        .where(Account.status == AccountState.OPEN.value)
        .where(LedgerAccount.id.like(f"{prefix}%{suffix}"), LedgerAccount.balance >= minimum.micros)
        .where(~had.exists())
    )
    if rail in rules.TWO_STAGE_RAILS:  # whom the provider does not pay is not asked for in vain each week
        known = select(RailAccount.account).where(
            RailAccount.rail == rail, RailAccount.account == account, RailAccount.can_receive
        )
        found = found.where(known.exists())
    found = found.order_by(account).limit(limit).with_for_update(of=Account, key_share=True)
    return session.execute(found).all()


def _reservation(ordered: Operation) -> tuple[str, list[Leg]]:
    account = ordered.account
    reserved = Leg(rules.payable(account), rules.in_payout(account), Money(ordered.amount))
    return f"payout:{ordered.id}:reserve", [reserved]
