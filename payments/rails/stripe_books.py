"""Stripe's own books of our cash: balance transactions, disputes, the balance."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import stripe

from core.errors import Unavailable
from core.money import Money
from payments.rails import DisputeFacts, Movement
from payments.rules import CENT, DisputeState

_STATES = {"won": DisputeState.WON, "lost": DisputeState.LOST}


class Books:
    """Reads Stripe's ledger. Raises Unavailable when Stripe does not answer."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._v1 = client.v1

    def movements(self, since: datetime) -> Iterable[Movement]:
        """Balance transactions created from `since` on, oldest first, with what of ours made them."""
        try:
            listed = self._v1.balance_transactions.list(
                {"created": {"gte": int(since.timestamp())}, "limit": 100, "expand": ["data.source"]}
            )
            found = [_movement(one) for one in listed.auto_paging_iter()]
        except stripe.StripeError as error:
            raise Unavailable("Stripe does not tell its transactions now") from error
        return reversed(found)  # Stripe lists the newest first

    def cash(self) -> int:
        """Everything Stripe holds for us in dollars, pending and available, in micros."""
        try:
            balance = self._v1.balance.retrieve()
        except stripe.StripeError as error:
            raise Unavailable("Stripe does not tell its balance now") from error
        parts: Any = [*balance.available, *balance.pending]
        cents: int = sum(part.amount for part in parts if part.currency == "usd")
        return cents * CENT.micros

    def dispute(self, dispute: str) -> DisputeFacts:
        """A dispute and what Stripe moved for it."""
        try:
            found: Any = self._v1.disputes.retrieve(dispute, {"expand": ["charge"]})
        except stripe.StripeError as error:
            raise Unavailable("Stripe does not tell that dispute now") from error
        moved = [one.amount for one in found.balance_transactions]
        fees = sum(one.fee for one in found.balance_transactions)
        return DisputeFacts(
            id=found.id,
            operation=operation_of(found.charge),
            withdrawn=_micros(-sum(amount for amount in moved if amount < 0)),
            returned=_micros(sum(amount for amount in moved if amount > 0)),
            fees=_micros(fees),
            state=_STATES.get(found.status, DisputeState.OPEN),
        )


def operation_of(thing: Any) -> str | None:
    """The operation an object was made for, by its metadata."""
    metadata = getattr(thing, "metadata", None)
    value = metadata.to_dict().get("operation") if metadata else None
    return value if isinstance(value, str) else None


def _movement(one: Any) -> Movement:
    source = one.source
    return Movement(
        id=one.id,
        kind=one.type,
        source=source if source is None or isinstance(source, str) else source.id,
        operation=operation_of(source),
        amount=one.amount * CENT.micros,
        fee=one.fee * CENT.micros,
        free=one.status == "available",
        at=datetime.fromtimestamp(one.created, UTC),
    )


def _micros(cents: int) -> Money:
    return CENT.times(cents)
