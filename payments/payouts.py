"""Payouts: what a contributor earned leaves through a rail, reserved first so that it cannot leave twice.

payable -> in_payout     with the order, in the caller's transaction
in_payout -> asset:<rail>   when the rail says done (`outbox.record_answer`)
in_payout -> payable        when the rail says failed
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from core.money import Money
from payments import ledger, outbox, rules
from payments.rules import Leg, OperationKind
from payments.tables import Operation


def request_payout(session: Session, account: str, amount: Money, *, rail: str, now: datetime) -> Operation:
    """Orders a payout and reserves its money: payable -> in_payout, in this transaction.

    Raises:
        BadInput: less than a cent, or more than one operation may move.
        InsufficientFunds: more than is payable.
    """
    ordered = outbox.order(session, OperationKind.PAYOUT, account, amount, rail=rail, now=now)
    reserved = Leg(rules.payable(account), rules.in_payout(account), amount)
    ledger.post(session, f"payout:{ordered.id}:reserve", [reserved], now=now)
    return ordered
