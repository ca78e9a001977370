"""Wire shapes of deposits, payouts, balances and statements."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, WithJsonSchema

from core.accounts.schemas import AccountShape, DeviceShape, KeyState
from core.money import Money
from core.wire import Amount, Body, Shape
from payments.rules import Method
from payments.service import Balances, Payee
from payments.statement_csv import signed
from payments.statements import Line
from payments.tables import Operation, TopUpRule

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


class Deposit(Move):
    """Money to bring in: on the provider's page, or with the means of payment kept from there."""

    method: Method | None = None


class TopUp(Body):
    """Fill the balance by `amount` when less than `below` is available, at most `daily_cap` a UTC day."""

    below: Amount = Field(examples=["5.00"])
    amount: Amount = Field(examples=["20.00"])
    daily_cap: Amount = Field(examples=["100.00"])


class TopUpShape(Shape):
    """An automatic top-up. `off_why` says why it is off: a charge that failed; set it anew to go on."""

    below: Amount
    amount: Amount
    daily_cap: Amount
    off_why: str | None

    @classmethod
    def of(cls, rule: TopUpRule) -> TopUpShape:
        """The wire shape of a row."""
        below, amount, cap = Money(rule.below), Money(rule.amount), Money(rule.daily_cap)
        return cls(below=below, amount=amount, daily_cap=cap, off_why=rule.off_why)


class PayeeShape(Shape):
    """Whether this account can be paid out, and what the provider still asks for."""

    connected: bool
    can_receive: bool
    requirements: list[str]
    disabled_reason: str | None

    @classmethod
    def of(cls, found: Payee) -> PayeeShape:
        """The wire shape of a payee."""
        return cls(
            connected=found.connected,
            can_receive=found.can_receive,
            requirements=list(found.requirements),
            disabled_reason=found.disabled_reason,
        )


class LinkShape(Shape):
    """A page of the provider's, good for some minutes and for one visit."""

    url: str


class ReceivedShape(Shape):
    """An event that is in the inbox. `first` is false when it was there before."""

    first: bool


class OperationShape(Shape):
    """Money on its way in or out. `unknown` means: being looked up, neither done nor failed; `waiting`:
    somebody outside must act first (`url` is where a payer goes on)."""

    id: str
    kind: Literal["deposit", "refund", "payout", "bank_payout", "reversal"]
    amount: Amount
    rail: str
    status: Literal["new", "sent", "waiting", "unknown", "done", "failed", "returned"]
    reason: str | None
    url: str | None
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
                "url": operation.url,
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
