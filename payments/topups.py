"""Automatic top-ups: a balance that falls low is filled from the saved means of payment, up to a cap a day.

One deposit at a time, and none after one that failed: a card that was declined is not tried again and
again; the rule says why it is off until its owner sets it anew.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core import errors
from core.accounts import service as accounts
from core.accounts.rules import AccountState
from core.accounts.tables import Account
from core.db import insert_once
from core.money import Money
from payments import ledger, outbox, rules
from payments.rules import Method, OperationKind, OperationState
from payments.tables import LedgerAccount, Operation, TopUpRule


def set_rule(
    session: Session,
    account: str,
    *,
    rail: str,
    below: Money,
    amount: Money,
    daily_cap: Money,
    now: datetime,
) -> TopUpRule:
    """Fills the balance by `amount` whenever less than `below` is available. Replaces an earlier rule.

    Raises:
        BadInput: a rail that saves no means of payment, amounts that it does not move, or a cap under one
            top-up.
    """
    if rail not in rules.TWO_STAGE_RAILS:
        raise errors.BadInput("this market's rail saves no means of payment")
    rules.check_amount(OperationKind.DEPOSIT, rail, amount)
    if daily_cap < amount:
        raise errors.BadInput("the daily cap is less than one top-up", field="daily_cap")
    values = {
        "account": account,
        "rail": rail,
        "below": below.micros,
        "amount": amount.micros,
        "daily_cap": daily_cap.micros,
        "off_why": None,
        "set_at": now,
    }
    if not insert_once(session, TopUpRule, values, ["account"]):
        rule = session.get_one(TopUpRule, account, with_for_update=True, populate_existing=True)
        for name, value in values.items():
            setattr(rule, name, value)
        session.flush()
    return session.get_one(TopUpRule, account)


def rule_of(session: Session, account: str) -> TopUpRule:
    """The account's rule. Raises NotFound when it has none."""
    rule = session.get(TopUpRule, account)
    if rule is None:
        raise errors.NotFound("this account has no automatic top-up")
    return rule


def end_rule(session: Session, account: str) -> None:
    """No more automatic top-ups. Ending none is fine."""
    rule = session.get(TopUpRule, account, with_for_update=True)
    if rule is not None:
        session.delete(rule)
        session.flush()


def low_accounts(session: Session, *, after: str = "", limit: int = 200) -> list[str]:
    """Accounts with a rule in force whose balance is low now, and that may spend: those whose ids come after
    `after`, ascending. Some of them may have reached their cap of the day."""
    balance = func.coalesce(LedgerAccount.balance, 0)
    found = (
        select(TopUpRule.account)
        .join(Account, Account.id == TopUpRule.account)
        .outerjoin(LedgerAccount, LedgerAccount.id == "agent:" + TopUpRule.account + ":available")
        .where(TopUpRule.account > after, TopUpRule.off_why.is_(None), balance < TopUpRule.below)
        .where(Account.status == AccountState.OPEN.value, Account.spending_stopped_at.is_(None))
        .order_by(TopUpRule.account)
        .limit(limit)
    )
    return list(session.scalars(found))


def fill(session: Session, account: str, *, now: datetime) -> Operation | None:
    """Orders a top-up where the rule allows one now. None when it does not, and for an account that is
    frozen, closed, or was stopped from spending: nobody's card is charged for what may not be spent."""
    owner = accounts.lock(session, account)
    if owner.status != AccountState.OPEN or owner.spending_stopped_at is not None:
        return None
    rule = session.get(TopUpRule, account, with_for_update=True, populate_existing=True)
    if rule is None or rule.off_why or ledger.balance(session, rules.available(account)) >= rule.below:
        return None
    # Not only the latest: one that its owner ordered by hand may have overtaken it.
    under_way = _tries(account).where(Operation.status.in_(sorted(rules.OPEN_STATES)))
    if session.scalars(under_way.limit(1)).first() is not None:
        return None
    latest = session.scalars(_tries(account).order_by(Operation.id.desc()).limit(1)).first()
    if latest is not None and latest.status == OperationState.FAILED and latest.created_at >= rule.set_at:
        rule.off_why = latest.reason or "failed"
        session.flush()
        return None
    if _ordered_today(session, account, now) + rule.amount > rule.daily_cap:
        return None
    amount = Money(rule.amount)
    return outbox.request_deposit(session, account, amount, rail=rule.rail, method=Method.SAVED, now=now)


def _tries(account: str) -> Select[Operation]:
    return select(Operation).where(
        Operation.account == account,
        Operation.kind == OperationKind.DEPOSIT.value,
        Operation.method == Method.SAVED.value,
    )


def _ordered_today(session: Session, account: str, now: datetime) -> int:
    """What saved means of payment were charged this UTC day, or are being charged."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    counted = select(func.sum(Operation.amount)).where(
        Operation.account == account,
        Operation.kind == OperationKind.DEPOSIT.value,
        Operation.method == Method.SAVED.value,
        Operation.status != OperationState.FAILED.value,
        Operation.created_at >= today,
        Operation.created_at < today + timedelta(days=1),
    )
    return int(session.scalar(counted) or 0)
