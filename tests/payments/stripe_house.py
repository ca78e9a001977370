"""What the Stripe tests share: a fake Stripe in process, a rail on it, operations carried to their end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from core.db import Database
from core.money import Money
from payments import ledger, outbox, rules, service
from payments.rails.stripe import StripeRail
from payments.rules import Method
from payments.tables import Operation
from tests.fakes.stripe import FakeStripe
from tests.payments.traders import Clock, trader

RETURN_URL = "https://market.example/money"


@dataclass
class StripeHouse:
    """A database, a fake Stripe, the rail between them, and one clock for all three."""

    database: Database
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.stripe = FakeStripe(clock=self.clock, seed="house")
        self.rail = StripeRail(self.database, self.stripe.in_process(), return_url=RETURN_URL)

    def order(self, amount: str, account: str, method: Method = Method.CHECKOUT) -> str:
        with self.database.transaction() as session:
            made = service.request_deposit(
                session, account, Money.parse(amount), rail="stripe", method=method, now=self.clock()
            )
            return made.id

    def run(self, operation: str) -> str:
        """One step of a worker; the operation's state afterwards."""
        outbox.run_operation(self.database, {"stripe": self.rail}, operation, clock=self.clock)
        return self.status(operation)

    def settle(self, *, days: float = 2, step: timedelta = timedelta(minutes=11)) -> None:
        """Lets time pass, with workers doing whatever is due."""
        until = self.clock() + timedelta(days=days)
        while self.clock() < until:
            self.work()
            self.clock.forward(step)

    def work(self) -> int:
        """Does all that is due now."""
        done = 0
        for _ in range(50):
            with self.database.reading() as session:
                due = outbox.due_operations(session, self.clock())
            if not due:
                return done
            for operation in due:
                self.run(operation)
                done += 1
        raise AssertionError("something is always due")

    def paid_in(self, amount: str, account: str | None = None) -> str:
        """An account whose deposit by checkout is done; its card is saved."""
        account = account or trader(self.database)
        operation = self.order(amount, account)
        self.run(operation)
        self.stripe.pay(self.get(operation).reference or "")
        self.clock.forward(timedelta(minutes=11))
        assert self.run(operation) == "done"
        return account

    def payee(self, account: str | None = None) -> str:
        """A contributor whom Stripe can pay."""
        account = account or trader(self.database)
        self.rail.people.onboarding_url(account, return_url=RETURN_URL)
        self.stripe.onboard(self.rail.people.known_destination(account) or "")
        assert self.rail.people.refresh(account).can_receive
        return account

    def get(self, operation: str) -> Operation:
        with self.database.reading() as session:
            found = session.get_one(Operation, operation)
            session.expunge(found)
            return found

    def status(self, operation: str) -> str:
        return self.get(operation).status

    def balance(self, name: str) -> str:
        with self.database.reading() as session:
            micros = ledger.balance(session, name)
        return str(Money(micros)) if micros >= 0 else f"-{Money(-micros)}"

    def cash(self) -> tuple[str, str]:
        return self.balance(rules.cash_in("stripe")), self.balance(rules.cash_out("stripe"))
