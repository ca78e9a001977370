"""Refunds: an unspent deposit goes back the way it came, reserved first so that it cannot be spent too.

available -> clearing:refund          with the order, in the caller's transaction
clearing:refund -> asset:<rail>       when the rail says done
clearing:refund -> available          when the rail says failed, or a bank sends it back later
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from core import errors
from core.accounts import service as accounts
from core.ids import is_id
from core.money import Money
from payments import ledger, outbox, rules
from payments.rules import Leg, OperationKind, OperationState
from payments.tables import Operation


def request_refund(
    session: Session, account: str, deposit_id: str, amount: Money, *, now: datetime
) -> Operation:
    """Orders a refund of a deposit, whole or in part.

    Raises:
        NotFound: no such deposit of this account. StateConflict: it is not done, or less of it is left.
        InsufficientFunds: less is available: the rest is spent or held.
        AccountFrozen: money that is disputed does not leave by another door.
    """
    accounts.require_open(session, account)
    # Postgres refuses to look for some texts (a NUL): only what can be an id is looked for.
    deposit = session.get(Operation, deposit_id) if is_id(deposit_id, "ops") else None
    of_account = deposit is not None and deposit.account == account
    if deposit is None or not of_account or deposit.kind != OperationKind.DEPOSIT:
        raise errors.NotFound("no such deposit")
    # One conditional UPDATE: of any number of refunds at once, no more goes back than came.
    left = session.execute(
        update(Operation)
        .where(
            Operation.id == deposit_id,
            Operation.status == OperationState.DONE.value,
            Operation.undone + amount.micros <= Operation.amount,
        )
        .values(undone=Operation.undone + amount.micros)
        .returning(Operation.undone)
        .execution_options(synchronize_session=False)
    ).first()
    if left is None:
        raise errors.StateConflict(
            "that much of this deposit cannot go back",
            status=deposit.status,
            undone=str(Money(deposit.undone)),
        )
    ordered = outbox.order(
        session, OperationKind.REFUND, account, amount, rail=deposit.rail, now=now, parent=deposit_id
    )
    reserved = Leg(rules.available(account), rules.CLEARING_REFUND, amount)
    ledger.post(session, f"refund:{ordered.id}:reserve", [reserved], now=now)
    return ordered
