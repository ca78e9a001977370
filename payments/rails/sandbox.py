"""The sandbox rail: a small real bank for one machine. No money outside this database moves.

It keeps its own book (`sandbox_book`), through its own transactions, so that a crash between what the
bank did and what we recorded is a real crash. It answers by operation id: an order it has booked is
answered from the book, never booked twice; another order under the same id is refused.

What an amount ends in chooses what goes wrong (the last four of its six decimals, which no honest
amount in cents uses):

| amount ends in | the bank |
|---|---|
| `…0001`, as in "10.000001" | refuses: FAILED, reason `declined` |
| `…0002`, as in "10.000002" | books it, then the answer is lost: UNKNOWN, found DONE by look-up |
| `…0003`, as in "10.000003" | never gets the first call: UNKNOWN, look-up None, books the second |
| `…0004`, as in "10.000004" | refuses, and the answer is lost: UNKNOWN, found FAILED by look-up |
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core import clock, errors
from core.db import Database, insert_once
from payments.rails import Answer, Order, Outcome
from payments.rules import OperationKind
from payments.tables import SandboxBooking

DECLINED, ANSWER_LOST, CALL_LOST, REFUSAL_LOST = 1, 2, 3, 4
_MAGIC = 10_000  # micros in a cent


class SandboxRail:
    """The bank. Safe to share between threads and processes: its book is its only state."""

    name = "sandbox"
    kinds = frozenset({OperationKind.DEPOSIT, OperationKind.PAYOUT, OperationKind.REFUND})

    def __init__(self, database: Database) -> None:
        self._database = database

    def look_up(self, order: Order) -> Answer | None:
        """What the book says."""
        with self._database.reading() as session:
            booking = session.get(SandboxBooking, order.id)
            return _answer(booking) if booking is not None else None

    def send(self, order: Order) -> Answer:
        """Books an order once. Raises IdempotencyConflict for another order under a known id."""
        magic = order.amount.micros % _MAGIC
        row: dict[str, Any] = {
            "operation": order.id,
            "kind": order.kind.value,
            "account": order.account,
            "amount": order.amount.micros,
            "outcome": None,
            "reason": None,
            "seen_at": clock.now(),
        }
        with self._database.transaction() as session:
            first = insert_once(session, SandboxBooking, row, ["operation"])
            booking = session.scalars(
                select(SandboxBooking).where(SandboxBooking.operation == order.id).with_for_update()
            ).one()
            if (booking.kind, booking.account, booking.amount) != (row["kind"], order.account, row["amount"]):
                raise errors.IdempotencyConflict(
                    "the bank knows another order under this id", operation=order.id
                )
            if first and magic == CALL_LOST:
                return Answer(Outcome.UNKNOWN, reason="no_answer")
            if booking.outcome is None:
                refused = magic in (DECLINED, REFUSAL_LOST)
                booking.outcome = (Outcome.FAILED if refused else Outcome.DONE).value
                booking.reason = "declined" if refused else None
            said = _answer(booking)
        lost = first and magic in (ANSWER_LOST, REFUSAL_LOST)
        return Answer(Outcome.UNKNOWN, reason="no_answer") if lost or said is None else said


def _answer(booking: SandboxBooking) -> Answer | None:
    """What the book says; None when the call is in it but was never booked."""
    if booking.outcome is None:
        return None
    return Answer(Outcome(booking.outcome), reference=f"sandbox:{booking.operation}", reason=booking.reason)
