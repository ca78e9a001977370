"""All state of the fake: accounts with their objects and money, the clock, what is due, what happened."""

from __future__ import annotations

import heapq
import json
import threading
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime, timedelta

from tests.fakes.stripe.accounts import Account
from tests.fakes.stripe.charges import Charge
from tests.fakes.stripe.checkout import Session
from tests.fakes.stripe.customers import Customer, PaymentMethod
from tests.fakes.stripe.disputes import Dispute
from tests.fakes.stripe.errors import Wire
from tests.fakes.stripe.events import KEPT_S, Event
from tests.fakes.stripe.ids import Ids
from tests.fakes.stripe.intents import PaymentIntent
from tests.fakes.stripe.money import BETWEEN, STRIPE, BalanceTransaction, Wallet
from tests.fakes.stripe.payouts import Payout
from tests.fakes.stripe.refunds import Refund
from tests.fakes.stripe.shelf import Resource, Shelf
from tests.fakes.stripe.transfers import Reversal, Transfer

PLATFORM = "acct_platform"
# Stripe tries to deliver an event for three days.
DELIVERED_WITHIN_S = 3 * 86_400


class Tenant:
    """What one Stripe account owns: the platform, or one connected to it."""

    def __init__(self, name: str, currency: str = "usd") -> None:
        self.id = name
        self.currency = currency
        self.wallet = Wallet()
        self.customers: Shelf[Customer] = Shelf("customer")
        self.methods: Shelf[PaymentMethod] = Shelf("PaymentMethod", "customer")
        self.intents: Shelf[PaymentIntent] = Shelf("payment_intent", "customer")
        self.charges: Shelf[Charge] = Shelf("charge", "customer", "payment_intent", "transfer_group")
        self.sessions: Shelf[Session] = Shelf("checkout.session", "customer", "payment_intent")
        self.refunds: Shelf[Refund] = Shelf("refund", "charge", "payment_intent")
        self.disputes: Shelf[Dispute] = Shelf("dispute", "charge", "payment_intent")
        self.accounts: Shelf[Account] = Shelf("account")
        self.transfers: Shelf[Transfer] = Shelf("transfer", "destination", "transfer_group")
        self.reversals: Shelf[Reversal] = Shelf("transfer_reversal", "transfer")
        self.payouts: Shelf[Payout] = Shelf("payout", "destination")
        self.transactions: Shelf[BalanceTransaction] = Shelf(
            "balance transaction", "source", "type", "currency"
        )
        self.events: Shelf[Event] = Shelf("event", "type")

    def shelf_of(self, name: str) -> Shelf[Resource] | None:
        """The shelf an id would stand on, by its prefix."""
        prefix = name.split("_", 1)[0]
        attribute = _PREFIXES.get(prefix)
        return None if attribute is None else getattr(self, attribute)


_PREFIXES = {
    "cus": "customers", "pm": "methods", "pi": "intents", "ch": "charges", "py": "charges",
    "cs": "sessions", "re": "refunds", "du": "disputes", "acct": "accounts", "tr": "transfers",
    "trr": "reversals", "po": "payouts", "txn": "transactions",
}  # fmt: skip


class World:
    """Everything, under one lock: whoever touches it holds `lock` and has called `tick` first."""

    def __init__(self, clock: Callable[[], datetime], seed: str, capture_delay: timedelta) -> None:
        self.lock = threading.RLock()
        self.ids = Ids(seed)
        self.now = 0
        self.capture_delay_s = int(capture_delay.total_seconds())
        self.platform = Tenant(PLATFORM)
        self.tenants = {PLATFORM: self.platform}
        # The other ends of all money, so that the whole always sums to zero.
        self.outside: Counter[tuple[str, str]] = Counter()
        self.payouts: dict[str, Tenant] = {}
        self.outbox: deque[Event] = deque()
        self.request: tuple[str | None, str | None] = (None, None)
        self._clock = clock
        self._skipped_s = 0
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._timer_count = 0

    def tick(self) -> int:
        """Reads the clock and lets everything happen that was due by now, each at its own time."""
        wanted = max(self.now, int(self._clock().timestamp()) + self._skipped_s)
        while self._timers and self._timers[0][0] <= wanted:
            due, _, happen = heapq.heappop(self._timers)
            self.now = max(self.now, due)
            happen()
        self.now = wanted
        return wanted

    def skip(self, seconds: int) -> None:
        """Moves the clock forward."""
        self._skipped_s += seconds
        self.tick()

    def at(self, due: int, happen: Callable[[], None]) -> None:
        """Lets something happen once the clock has come so far."""
        self._timer_count += 1
        heapq.heappush(self._timers, (due, self._timer_count, happen))

    def connect(self, account: Account) -> None:
        """Opens the books of a connected account."""
        self.platform.accounts.add(account)
        self.tenants[account.id] = Tenant(account.id, account.currency)

    def settled(self, tenant: Tenant) -> Wallet:
        """The account's balance as of now."""
        tenant.wallet.settle(self.now)
        return tenant.wallet

    def post(
        self,
        tenant: Tenant,
        other_end: str,
        *,
        kind: str,
        category: str,
        amount: int,
        currency: str,
        source: str,
        fee: int = 0,
        available_on: int | None = None,
        description: str | None = None,
    ) -> BalanceTransaction:
        """Moves money into an account's balance (out of it, where negative); the fee goes to Stripe."""
        due = self.now if available_on is None else max(available_on, self.now)
        transaction = BalanceTransaction(
            id=self.ids.make("txn"),
            created=self.now,
            amount=amount,
            fee=fee,
            currency=currency,
            type=kind,
            reporting_category=category,
            source=source,
            available_on=due,
            status="available" if due <= self.now else "pending",
            description=description,
        )
        self.settled(tenant).put(transaction)
        self.outside[other_end, currency] -= amount
        self.outside[STRIPE, currency] += fee
        return tenant.transactions.add(transaction)

    def total(self, currency: str) -> int:
        """All money of a currency on both ends; zero, or money was made from nothing."""
        inside = sum(t.wallet.available[currency] + t.wallet.pending[currency] for t in self.tenants.values())
        outside = sum(cents for (_, c), cents in self.outside.items() if c == currency)
        return inside + outside

    def in_flight(self, currency: str) -> int:
        """Money that left one account and reached none: always zero."""
        return self.outside[BETWEEN, currency]

    def emit(self, tenant: Tenant, kind: str, snapshot: Wire) -> Event:
        """Records that something happened and queues it for webhooks."""
        account = None if tenant is self.platform else tenant.id
        request, key = self.request
        event = Event(self.ids.make("evt"), self.now, kind, json.dumps(snapshot), account, request, key)
        tenant.events.drop_before(self.now - KEPT_S)
        while self.outbox and self.outbox[0].created < self.now - DELIVERED_WITHIN_S:
            self.outbox.popleft()
        self.outbox.append(event)
        return tenant.events.add(event)
