"""`FakeStripe`: the fake as a test holds it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from random import Random
from types import TracebackType
from typing import Self, TypeVar

import stripe

from tests.fakes.stripe import accounts, checkout, disputes, intents, payouts, refunds, webhooks
from tests.fakes.stripe.api import Api
from tests.fakes.stripe.errors import Misuse, Wire
from tests.fakes.stripe.faults import Faults
from tests.fakes.stripe.server import Server
from tests.fakes.stripe.transport import InProcess
from tests.fakes.stripe.webhooks import Delivery, Receiver
from tests.fakes.stripe.world import Tenant, World

KEY = "sk_test_fake"

T = TypeVar("T")


def _real_now() -> datetime:
    return datetime.now(UTC)


class FakeStripe:
    """Stripe in memory, behind the official SDK. Use it as a context manager to have it over HTTP.

    Args:
        clock: the time; `advance` moves on from it.
        seed: of its ids; the same calls under the same seed get the same ids.
        capture_delay: how long a charge with asynchronous capture (Stripe's default) has no balance
            transaction yet.
        sleep: how a `Fault.DELAY` passes.
        keep_keys: how long idempotency keys are remembered.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = _real_now,
        seed: str = "fake",
        capture_delay: timedelta = timedelta(0),
        sleep: Callable[[float], object] = time.sleep,
        keep_keys: timedelta = timedelta(hours=24),
    ) -> None:
        self.key = KEY
        self.world = World(clock, seed, capture_delay)
        self._api = Api(self.world, frozenset({KEY}), sleep, kept_s=int(keep_keys.total_seconds()))
        self._server: Server | None = None
        self.world.tick()

    def __enter__(self) -> Self:
        self._server = Server(self._api)
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            broken = self._server.stop()
            self._server = None
            if broken and error is None:
                raise broken[0]

    @property
    def url(self) -> str:
        """Where it listens, while it is used as a context manager."""
        if self._server is None:
            raise Misuse("the fake listens nowhere: use it as a context manager")
        return self._server.url

    @property
    def faults(self) -> Faults:
        """Failures on order."""
        return self._api.faults

    @property
    def calls(self) -> Counter[str]:
        """How often each route was called."""
        return self._api.calls

    @property
    def effects(self) -> Counter[str]:
        """How often each route's function ran: not for replays, refusals at the door, or drops before it."""
        return self._api.effects

    def client(self, *, key: str = KEY, max_network_retries: int = 0) -> stripe.StripeClient:
        """The SDK over HTTP."""
        return stripe.StripeClient(
            key, base_addresses={"api": self.url}, max_network_retries=max_network_retries
        )

    def in_process(self, *, key: str = KEY, max_network_retries: int = 0) -> stripe.StripeClient:
        """The SDK without sockets."""
        transport = InProcess(self._api)
        return stripe.StripeClient(key, http_client=transport, max_network_retries=max_network_retries)

    def transport(self) -> stripe.HTTPClient:
        """The SDK's HTTP client that `in_process` uses, for code that builds its own `StripeClient`."""
        return InProcess(self._api)

    @property
    def now(self) -> datetime:
        """The fake's time, to the second."""
        with self.world.lock:
            return datetime.fromtimestamp(self.world.tick(), UTC)

    def advance(self, by: timedelta) -> None:
        """Moves the fake's clock forward; what falls due happens, each at its own time."""
        with self.world.lock:
            self.world.skip(int(by.total_seconds()))

    def pay(self, session: str, card: str = "pm_card_visa") -> str:
        """A human pays on a session's page; gives the payment intent, which a declined card leaves unpaid."""
        return self._do(lambda platform: checkout.pay(self.world, platform, session, card).id)

    def authenticate(self, payment_intent: str, *, agrees: bool = True) -> None:
        """The holder answers what a payment that `requires_action` asks."""
        self._do(lambda platform: intents.answer(self.world, platform, payment_intent, agrees=agrees))

    def fail_refund(self, refund: str, reason: str = "expired_or_canceled_card") -> None:
        """The bank sends a refund back."""
        self._do(lambda platform: refunds.fail(self.world, platform, refund, reason))

    def dispute(self, charge: str, amount: int | None = None, *, reason: str = "fraudulent") -> str:
        """The holder denies a payment; what is left of it, or any amount (a bank's rate may make it more)."""

        def happen(platform: Tenant) -> str:
            found = platform.charges.get(charge)
            if found is None:
                raise Misuse(f"{charge} is no charge")
            return disputes.open_dispute(self.world, platform, found, amount, reason).id

        return self._do(happen)

    def close_dispute(self, dispute: str, outcome: str) -> None:
        """The bank decides: `won` or `lost`."""
        self._do(lambda platform: disputes.close_dispute(self.world, platform, dispute, outcome))

    def onboard(self, account: str) -> None:
        """The owner of a connected account fills in everything."""
        self._do(lambda _: accounts.onboard(self.world, account))

    def disable(self, account: str, reason: str = "rejected.other") -> None:
        """Stripe stops a connected account."""
        self._do(lambda _: accounts.disable(self.world, account, reason))

    def require(self, account: str, fields: list[str]) -> None:
        """Stripe asks a connected account for more."""
        self._do(lambda _: accounts.require(self.world, account, fields))

    def settle_payout(self, payout: str, outcome: str) -> None:
        """The bank answers a payout: `paid` or `failed`; one that was paid may still fail."""
        self._do(lambda _: payouts.settle(self.world, payout, outcome))

    def _do(self, happen: Callable[[Tenant], T]) -> T:
        with self.world.lock:
            self.world.tick()
            return happen(self.world.platform)

    def queued(self) -> list[Wire]:
        """The events that wait to be delivered, oldest first."""
        with self.world.lock:
            self.world.tick()
            return [event.wire() for event in self.world.outbox]

    def deliver(
        self,
        target: str | Receiver,
        secret: str,
        *,
        old_secrets: Iterable[str] = (),
        seed: int = 0,
        duplicates: float = 0.0,
        drops: float = 0.0,
        shuffle: bool = False,
        age_s: int = 0,
        connect: bool | None = None,
        timestamp: int | None = None,
    ) -> list[Delivery]:
        """Sends the queued events, signed; one that is not accepted stays queued for the next time.

        Args:
            target: a URL on loopback, or a function of body and headers that gives a status.
            old_secrets: rotated secrets that sign beside the present one.
            duplicates, drops: the seeded share of events that comes twice, or never.
            age_s: how old the signature's time is; negative is in the future.
            connect: only events of connected accounts, or only the platform's; both by default.
            timestamp: the signature's time; the fake's clock by default.
        """
        return webhooks.deliver(
            self.world,
            target,
            [*old_secrets, secret],
            rng=Random(seed),
            duplicates=duplicates,
            drops=drops,
            shuffle=shuffle,
            age_s=age_s,
            connect=connect,
            timestamp=timestamp,
        )
