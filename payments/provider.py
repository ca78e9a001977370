"""What the books say of movements that a provider made by itself: its fees, and money becoming free.

Each is posted once, by the provider's own name for the movement, whoever hears of it first: the worker,
a webhook, or the reconciler.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from core.money import Money
from payments import ledger, rules
from payments.rails import Fee
from payments.rules import Leg


def post_fee(session: Session, rail: str, fee: Fee, *, now: datetime, arrived: bool = True) -> None:
    """A provider's fee on a movement: an expense, out of what arrived, or else out of what is free."""
    if fee.amount.micros:
        cash = rules.cash_in(rail) if arrived else rules.cash_out(rail)
        leg = Leg(rules.EXPENSE_PROCESSOR, cash, fee.amount)
        ledger.post(session, f"{rail}:{fee.transaction}:fee", [leg], now=now)


def post_available(session: Session, rail: str, transaction: str, net: Money, *, now: datetime) -> None:
    """What arrived is free now: it may be paid out."""
    if net.micros:
        leg = Leg(rules.cash_out(rail), rules.cash_in(rail), net)
        ledger.post(session, f"{rail}:{transaction}:available", [leg], now=now)
