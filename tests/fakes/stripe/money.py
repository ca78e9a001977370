"""Money at the fake Stripe: balance transactions, what they leave, and the world they move it from.

Every cent has two ends. What enters an account's balance leaves the cardholders, another account or
Stripe itself, so the sum over everybody is always zero.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field

from tests.fakes.stripe.errors import Wire

# The ends of money that are no account of the fake.
CARDHOLDERS, BANKS, STRIPE, BETWEEN = "cardholders", "banks", "stripe", "between accounts"


def charge_fee(amount: int) -> int:
    """2.9 % and 30 cents, in whole cents, half up."""
    return (amount * 29 + 500) // 1000 + 30


@dataclass(slots=True)
class BalanceTransaction:
    """One change of an account's balance; `net` is what it leaves there."""

    id: str
    created: int
    amount: int
    fee: int
    currency: str
    type: str
    reporting_category: str
    source: str
    available_on: int
    status: str
    description: str | None = None

    @property
    def net(self) -> int:
        return self.amount - self.fee

    def wire(self) -> Wire:
        details: list[Wire] = []
        if self.fee:
            what = "Dispute fee" if self.reporting_category == "dispute" else "Stripe processing fees"
            detail: Wire = {"amount": self.fee, "application": None, "currency": self.currency}
            details.append(detail | {"description": what, "type": "stripe_fee"})
        return {
            "id": self.id,
            "object": "balance_transaction",
            "amount": self.amount,
            "available_on": self.available_on,
            "balance_type": "payments",
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "exchange_rate": None,
            "fee": self.fee,
            "fee_details": details,
            "net": self.net,
            "reporting_category": self.reporting_category,
            "source": self.source,
            "status": self.status,
            "type": self.type,
        }


@dataclass
class Wallet:
    """One account's balance, pending and available, per currency."""

    available: Counter[str] = field(default_factory=Counter)
    pending: Counter[str] = field(default_factory=Counter)
    _due: list[tuple[int, int, BalanceTransaction]] = field(default_factory=list)
    _count: int = 0

    def put(self, transaction: BalanceTransaction) -> None:
        if transaction.status == "available":
            self.available[transaction.currency] += transaction.net
            return
        self.pending[transaction.currency] += transaction.net
        self._count += 1
        heapq.heappush(self._due, (transaction.available_on, self._count, transaction))

    def settle(self, now: int) -> None:
        """Makes available what is due."""
        while self._due and self._due[0][0] <= now:
            transaction = heapq.heappop(self._due)[2]
            transaction.status = "available"
            self.pending[transaction.currency] -= transaction.net
            self.available[transaction.currency] += transaction.net

    def wire(self, currency: str) -> Wire:
        """The balance object; an account always shows its own currency."""

        def funds(of: Counter[str]) -> list[Wire]:
            shown = sorted({currency, *self.available, *self.pending})
            return [{"amount": of[c], "currency": c, "source_types": {"card": of[c]}} for c in shown]

        return {
            "object": "balance",
            "available": funds(self.available),
            "livemode": False,
            "pending": funds(self.pending),
            "refund_and_dispute_prefunding": {"available": funds(Counter()), "pending": funds(Counter())},
        }
