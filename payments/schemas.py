"""Wire shapes of deposits, payouts, balances and statements."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from core import clock
from core.accounts.schemas import AccountShape, DeviceShape
from core.money import Money
from core.wire import Amount, Body, Shape
from payments.service import Balances
from payments.statement_csv import signed
from payments.statements import Line
from payments.tables import Operation


def _instant(value: object) -> object:
    # Not what pydantic would take too: "2026" as seconds since 1970, a time without an offset.
    return clock.parse_instant(value) if isinstance(value, str) else value


Time = Annotated[datetime, BeforeValidator(_instant)]
"""RFC 3339 with an offset."""
SignedAmount = Annotated[
    int,
    PlainSerializer(signed, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^-?(0|[1-9][0-9]{0,9})(\.[0-9]{1,6})?$", "examples": ["-0.50"]}
    ),
]
"""Micros here, dollars as a decimal string on the wire; negative for what went."""


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
    """The caller: account, money, devices."""

    account: AccountShape
    balances: BalancesShape
    devices: list[DeviceShape]


class LineShape(Shape):
    """One entry of the caller's books. `what` says what happened; more words may come."""

    at: datetime
    what: str = Field(examples=["hold", "earned", "payout"])
    account: Literal["available", "pending", "payable", "in_payout"]
    amount: SignedAmount
    balance: SignedAmount
    reference: str | None
    posting: str

    @classmethod
    def of(cls, line: Line) -> LineShape:
        """The wire shape of a line."""
        return cls.model_validate(line, from_attributes=True)


class ClassBalances(Shape):
    """What each of the caller's ledger accounts had at one moment, in dollars."""

    available: SignedAmount
    pending: SignedAmount
    payable: SignedAmount
    in_payout: SignedAmount


class StatementShape(Shape):
    """A page of a statement. For each account, opening + the amounts of all pages = closing."""

    opening: ClassBalances
    closing: ClassBalances
    items: list[LineShape]
    next: str | None
