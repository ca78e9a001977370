"""What routes, bounties and other packages ask of money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import errors
from core.accounts import service as accounts
from core.ids import is_id
from core.money import Money, split
from payments import ledger, outbox, payouts, rules
from payments.tables import EscrowPayer, LedgerAccount, Operation

DEFAULT_RAIL = "sandbox"


@dataclass(frozen=True, slots=True)
class Balances:
    """Everything of one account.

    Attributes:
        available: may be spent. held: in escrow, still this account's.
        pending: earned, inside its hold-back. payable: may be paid out. in_payout: on its way.
    """

    available: Money
    held: Money
    pending: Money
    payable: Money
    in_payout: Money


def balances(session: Session, account: str) -> Balances:
    """An account's balances, as of this transaction. All zero for an account that never traded."""
    # What is held is read first: what is refunded between the two reads is seen twice, never not at all.
    held = _held(session, account)
    names = [f(account) for f in (rules.available, rules.pending, rules.payable, rules.in_payout)]
    found = ledger.balances(session, names)
    available, pending, payable, in_payout = (Money(found[name]) for name in names)
    return Balances(available, held, pending, payable, in_payout)


def open_operations(session: Session, account: str) -> int:
    """How many deposits and payouts of an account have not ended."""
    states = sorted(rules.OPEN_STATES)
    counted = select(func.count()).where(Operation.account == account, Operation.status.in_(states))
    return session.scalar(counted) or 0


def request_deposit(
    session: Session, account: str, amount: Money, *, now: datetime, rail: str = DEFAULT_RAIL
) -> Operation:
    """Orders a deposit; see `outbox.request_deposit`. Raises AccountClosed too."""
    accounts.require_not_closed(session, account)
    return outbox.request_deposit(session, account, amount, rail=rail, now=now)


def request_payout(
    session: Session, account: str, amount: Money, *, now: datetime, rail: str = DEFAULT_RAIL
) -> Operation:
    """Orders a payout; see `payouts.request_payout`. Raises AccountFrozen and AccountClosed too."""
    accounts.require_open(session, account)
    return payouts.request_payout(session, account, amount, rail=rail, now=now)


def operation(session: Session, account: str, operation_id: str) -> Operation:
    """One of the account's own operations.

    Raises:
        NotFound: another account's, or none.
    """
    # Postgres refuses to look for some texts (a NUL): only what can be an id is looked for.
    found = session.get(Operation, operation_id) if is_id(operation_id, "ops") else None
    if found is None or found.account != account:
        raise errors.NotFound("no such operation")
    return found


def _held(session: Session, account: str) -> Money:
    """The account's part of every escrow it pays into, by what each payer still has in it."""
    mine = select(EscrowPayer.escrow).where(EscrowPayer.account == account)
    rows = session.execute(
        select(
            EscrowPayer.escrow,
            EscrowPayer.account,
            EscrowPayer.amount - EscrowPayer.refunded,
            LedgerAccount.balance,
        )
        .join(LedgerAccount, LedgerAccount.id == "escrow:" + EscrowPayer.escrow)
        .where(EscrowPayer.escrow.in_(mine), LedgerAccount.balance > 0)
        .order_by(EscrowPayer.escrow, EscrowPayer.account)
    )
    escrows: dict[str, tuple[int, dict[str, int]]] = {}
    for escrow, payer, remaining, balance in rows:
        escrows.setdefault(escrow, (balance, {}))[1][payer] = remaining
    held = 0
    for balance, payers in escrows.values():
        shares = split(Money(balance), list(payers.values()))
        held += dict(zip(payers, shares, strict=True))[account].micros
    return Money(held)
