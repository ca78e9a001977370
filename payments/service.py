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
from payments.rules import Method, OperationState
from payments.tables import EscrowPayer, LedgerAccount, Operation, RailAccount

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


def has_play_money(session: Session) -> bool:
    """Whether money that the sandbox's bank made of nothing is in the books, or may still come into them."""
    coming = select(Operation.id).where(
        Operation.rail == DEFAULT_RAIL, Operation.status.in_(sorted(rules.OPEN_STATES))
    )
    return bool(ledger.balance(session, rules.asset(DEFAULT_RAIL)) or session.scalar(coming.limit(1)))


def open_operations(session: Session, account: str) -> int:
    """How many deposits and payouts of an account have not ended."""
    states = sorted(rules.OPEN_STATES)
    counted = select(func.count()).where(Operation.account == account, Operation.status.in_(states))
    return session.scalar(counted) or 0


def may_come_back(session: Session, account: str, *, now: datetime) -> int:
    """How many payouts and refunds of an account are done and may still be sent back by a bank."""
    counted = select(func.count()).where(
        Operation.account == account,
        Operation.rail.in_(sorted(rules.TWO_STAGE_RAILS)),
        Operation.kind.in_(sorted(rules.MAY_COME_BACK)),
        Operation.status == OperationState.DONE.value,
        Operation.ended_at > now - rules.SENDS_BACK_WITHIN,
    )
    return session.scalar(counted) or 0


def request_deposit(
    session: Session,
    account: str,
    amount: Money,
    *,
    now: datetime,
    rail: str = DEFAULT_RAIL,
    method: Method | None = None,
) -> Operation:
    """Orders a deposit; see `outbox.request_deposit`. A provider's page is where it is paid unless told.

    Raises:
        BadInput: an amount this rail does not move, or a means of payment it does not know.
        AccountClosed.
    """
    accounts.require_not_closed(session, account)
    if method is None and rail in rules.TWO_STAGE_RAILS:
        method = Method.CHECKOUT
    if method is not None and rail not in rules.TWO_STAGE_RAILS:
        raise errors.BadInput("this market's rail knows no means of payment", field="method")
    return outbox.request_deposit(session, account, amount, rail=rail, method=method, now=now)


def request_payout(
    session: Session, account: str, amount: Money, *, now: datetime, rail: str = DEFAULT_RAIL
) -> Operation:
    """Orders a payout; see `payouts.request_payout`.

    Raises:
        StateConflict: the provider does not pay this account yet, or not any more.
        AccountFrozen, AccountClosed.
    """
    accounts.require_open(session, account)
    standing = payee(session, account, rail)
    if not standing.can_receive:
        raise errors.StateConflict(
            "the provider does not pay this account now",
            hint="POST /v1/me/payee/link gives a page where the provider asks what it needs.",
            missing=len(standing.requirements),
            reason=standing.disabled_reason,
        )
    return payouts.request_payout(session, account, amount, rail=rail, now=now)


@dataclass(frozen=True, slots=True)
class Payee:
    """Whether an account can be paid out, as the provider last said."""

    connected: bool
    can_receive: bool
    requirements: tuple[str, ...] = ()
    disabled_reason: str | None = None


def payee(session: Session, account: str, rail: str) -> Payee:
    """What is known of an account as somebody to pay. A rail without registration pays anybody."""
    if rail not in rules.TWO_STAGE_RAILS:
        return Payee(connected=True, can_receive=True)
    row = session.get(RailAccount, (rail, account))
    if row is None or row.destination is None:
        return Payee(connected=False, can_receive=False)
    return Payee(True, row.can_receive, tuple(row.requirements), row.disabled_reason)


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
