"""Wire shapes of deposits, payouts and balances."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from core.accounts.schemas import AccountShape, DeviceShape, KeyState
from core.money import Money
from core.wire import Amount, Body, Shape
from payments.service import Balances
from payments.tables import Operation


class Move(Body):
    """Money to bring in or send out."""

    amount: Amount = Field(examples=["25.00"])


class OperationShape(Shape):
    """A deposit or payout on its way. `unknown` means: being looked up, neither done nor failed."""

    id: str
    kind: Literal["deposit", "payout"]
    amount: Amount
    rail: str
    status: Literal["new", "sent", "unknown", "done", "failed"]
    reason: str | None
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, operation: Operation) -> OperationShape:
        """The wire shape of a row."""
        return cls.model_validate(
            {
                "id": operation.id,
                "kind": operation.kind,
                "amount": Money(operation.amount),
                "rail": operation.rail,
                "status": operation.status,
                "reason": operation.reason,
                "created_at": operation.created_at,
                "ended_at": operation.ended_at,
            }
        )


class BalancesShape(Shape):
    """Everything of one account, in dollars."""

    available: Amount
    held: Amount
    pending: Amount
    payable: Amount
    in_payout: Amount

    @classmethod
    def of(cls, found: Balances) -> BalancesShape:
        """The wire shape of balances."""
        return cls(
            available=found.available,
            held=found.held,
            pending=found.pending,
            payable=found.payable,
            in_payout=found.in_payout,
        )


class Me(Shape):
    """The caller: account, money, the key in use, devices."""

    account: AccountShape
    balances: BalancesShape
    key: KeyState
    devices: list[DeviceShape]
