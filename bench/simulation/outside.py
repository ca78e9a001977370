"""What happens without us: payers and their banks, contributors' registrations, Stripe's bad days, strays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import stripe

from bench.simulation.house import House
from tests.fakes.stripe import Fault, Misuse
from tests.fakes.stripe.cards import Behaviour
from tests.fakes.stripe.world import Tenant

REFUND_FAILS = Behaviour.REFUND_FAILS
FAULTS = (
    Fault.DROP_BEFORE,
    Fault.DROP_AFTER,
    Fault.CONFLICT,
    Fault.RATE_LIMIT,
    Fault.ERROR_BEFORE,
    Fault.ERROR_AFTER,
)
CARDS = (
    *["pm_card_visa"] * 8,
    *["pm_card_bypassPending"] * 8,
    "pm_card_mastercard",
    "pm_card_authenticationRequired",
    "pm_card_createDispute",
    "pm_card_refundFail",
    "pm_card_visa_chargeDeclined",
    "pm_card_chargeCustomerFail",
)


class Outside:
    """The world around a house, and how bad Stripe's days are.

    Args:
        fault_rate: the share of calls that each kind of fault meets.
    """

    def __init__(self, house: House, *, fault_rate: float) -> None:
        self._house = house
        self._rng = house.scheduler.rng
        self._fault_rate = fault_rate
        self._plain = house.stripe.in_process()
        self._outage_until: datetime | None = None
        self.break_calls(outage=False)

    @property
    def _platform(self) -> Tenant:
        return self._house.stripe.world.platform

    def break_calls(self, *, outage: bool) -> None:
        """Sets the faults of Stripe's calls anew."""
        faults = self._house.stripe.faults
        faults.clear()
        if outage:
            faults.chance("*", Fault.OUTAGE, 0.9, seed=self._rng.getrandbits(32))
        for fault in FAULTS:
            faults.chance("*", fault, self._fault_rate, seed=self._rng.getrandbits(32))

    def calm(self) -> None:
        """No faults from here on."""
        self._house.stripe.faults.clear()

    def weather(self) -> None:
        """An outage of some hours begins or ends."""
        now = self._house.scheduler.now
        if self._outage_until is None and self._house.scheduler.chance(0.03):
            self._outage_until = now + timedelta(minutes=self._rng.randrange(20, 360))
            self._house.happened["outages of Stripe"] += 1
            self.break_calls(outage=True)
        elif self._outage_until is not None and self._outage_until < now:
            self._outage_until = None
            self.break_calls(outage=False)

    def happen(self) -> None:
        """One thing that somebody outside does."""
        names = [name for name, weight in _WEIGHTS for _ in range(weight)]
        name = self._rng.choice(names)
        deed: Callable[[], bool] = getattr(self, name)
        try:
            done = deed()
        except (Misuse, stripe.StripeError):
            done = False
        if done:
            self._house.happened[name] += 1
            self._house.scheduler.note(f"outside: {name}")

    def pay(self) -> bool:
        """Somebody pays on a page, or tries a card that is declined."""
        pages = [one.id for one in self._platform.sessions if one.status == "open"]
        if not pages:
            return False
        self._house.stripe.pay(self._rng.choice(pages), self._rng.choice(CARDS))
        return True

    def register(self) -> bool:
        """A contributor fills in what Stripe asks; Stripe stops one, and lets it go on later."""
        accounts = list(self._platform.accounts)
        if not accounts:
            return False
        account = self._rng.choice(accounts)
        if account.payouts_enabled and self._rng.random() < 0.3:
            self._house.stripe.disable(account.id)
        else:
            self._house.stripe.onboard(account.id)
        return True

    def bank(self) -> bool:
        """A contributor's bank takes a payout, refuses it, or sends it back days after it took it."""
        now = int(self._house.scheduler.now.timestamp())
        open_ones = [
            one.id
            for tenant in self._house.stripe.world.tenants.values()
            if tenant is not self._platform
            for one in tenant.payouts
            if one.status in {"pending", "in_transit"}
            or (one.status == "paid" and one.created > now - 4 * 86_400)
        ]
        if not open_ones:
            return False
        self._house.stripe.settle_payout(
            self._rng.choice(open_ones), self._rng.choice(["paid", "paid", "failed"])
        )
        return True

    def refund_comes_back(self) -> bool:
        """A bank sends a refund back."""
        # Of a card whose refunds fail by themselves, they do that later.
        doomed = {one.id for one in self._platform.charges if one.card and one.card.behaviour is REFUND_FAILS}
        sent = [
            one.id for one in self._platform.refunds if one.status == "succeeded" and one.charge not in doomed
        ]
        if not sent:
            return False
        self._house.stripe.fail_refund(self._rng.choice(sent))
        return True

    def dispute(self) -> bool:
        """A holder denies a payment, new or long spent."""
        charges = [
            one.id
            for one in self._platform.charges
            if one.paid and one.refundable and one.balance_transaction
        ]
        if not charges:
            return False
        self._house.stripe.dispute(self._rng.choice(charges))
        return True

    def dispute_ends(self) -> bool:
        """A bank decides."""
        waiting = [one.id for one in self._platform.disputes if one.status == "needs_response"]
        if not waiting:
            return False
        self._house.stripe.close_dispute(self._rng.choice(waiting), self._rng.choice(["won", "lost"]))
        return True

    def stray(self) -> bool:
        """Somebody moves money at Stripe without us: a charge, a refund in the dashboard, a payout."""
        client, draw = self._plain, self._rng.random()
        if draw < 0.5:
            customer = client.v1.customers.create({}).id
            card = self._rng.choice(["pm_card_visa", "pm_card_bypassPending", "pm_card_createDispute"])
            method = client.v1.payment_methods.attach(card, {"customer": customer}).id
            client.v1.payment_intents.create(
                {
                    "amount": self._rng.randrange(50, 5_000), "currency": "usd", "customer": customer,
                    "payment_method": method, "confirm": True, "off_session": True,
                }
            )  # fmt: skip
        elif draw < 0.8:
            charges = [one for one in self._platform.charges if one.paid]
            if not charges:
                return False
            charge = self._rng.choice(charges)
            client.v1.refunds.create({"charge": charge.id, "amount": self._rng.randrange(1, 500)})
        else:
            client.v1.payouts.create({"amount": self._rng.randrange(1, 2_000), "currency": "usd"})
        return True

    def settle_all(self, *, leave: float) -> None:
        """People finish what waits for them, but for a share of it."""
        for tenant in self._house.stripe.world.tenants.values():
            for one in list(tenant.payouts):
                if one.status == "pending" and self._rng.random() >= leave:
                    self._house.stripe.settle_payout(one.id, self._rng.choice(["paid", "failed"]))
        for dispute in list(self._platform.disputes):
            if dispute.status == "needs_response" and self._rng.random() >= leave:
                self._house.stripe.close_dispute(dispute.id, self._rng.choice(["won", "lost"]))


_WEIGHTS = (
    ("pay", 30),
    ("register", 6),
    ("bank", 16),
    ("refund_comes_back", 2),
    ("dispute", 1),
    ("dispute_ends", 2),
    ("stray", 1),
)
