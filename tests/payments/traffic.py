"""Random traffic through the books, and single payments at a chosen time."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from core import errors
from core.db import Database
from core.money import Money
from payments import earnings, escrow, ledger, outbox, rules, service
from payments.rails.sandbox import SandboxRail
from payments.rules import Leg
from tests.payments.traders import FEE, NOW, PRICE, funded

MINUTE = timedelta(minutes=1)


class Traffic:
    """Two accounts that buy from each other and themselves, at times that now and then go backwards."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database, self.random, self.now = database, random.Random(seed), NOW
        self.accounts = [funded(database, (PRICE + FEE).times(4)) for _ in range(2)]
        funded(database, PRICE.times(1000))  # cash in the house: won appeals are paid from it
        self.open: list[tuple[str, int]] = []
        self.paid = 0

    def step(self) -> None:
        self.now += MINUTE * self.random.choice([-1, 0, 0, 1, 2, 5])
        kind = self.random.choice(
            [self.hold, self.release, self.release, self.refund, self.mature, self.payout, self.appeal]
        )
        try:
            kind()
        except errors.InsufficientFunds:
            return

    def one(self) -> str:
        return self.random.choice(self.accounts)

    def hold(self) -> None:
        buyer, slots = self.one(), self.random.randint(1, 3)
        total = (PRICE + FEE).times(slots)
        with self.database.transaction() as session:
            made = escrow.hold(
                session, subject=f"bty_{len(self.open):026d}{self.random.random()}", payers=[(buyer, total)],
                price=PRICE, fee=FEE, slots=slots, now=self.now,
            )  # fmt: skip
        self.open += [(made.id, slot) for slot in range(slots)]

    def take(self) -> tuple[str, int] | None:
        return self.open.pop(self.random.randrange(len(self.open))) if self.open else None

    def release(self) -> None:
        if (slot := self.take()) is not None:
            until = self.random.choice([None, self.now + 3 * MINUTE])
            with self.database.transaction() as session:
                escrow.release(session, *slot, self.one(), hold_back_until=until, now=self.now)

    def refund(self) -> None:
        if (slot := self.take()) is not None:
            with self.database.transaction() as session:
                escrow.refund(session, slot[0], [slot[1]], now=self.now)

    def mature(self) -> None:
        with self.database.transaction() as session:
            earnings.mature(session, self.now)

    def payout(self) -> None:
        amount = Money.parse(self.random.choice(["3.00", "4.000001", "20.00"]))
        with self.database.transaction() as session:
            made = service.request_payout(session, self.one(), amount, now=self.now).id
        if self.random.random() < 0.7:
            outbox.run_operation(
                self.database, {"sandbox": SandboxRail(self.database)}, made, clock=lambda: self.now
            )

    def appeal(self) -> None:
        self.paid += 1
        with self.database.transaction() as session:
            escrow.pay_appeal(
                session, subject=f"cap_{self.paid:026d}", contributor=self.one(), amount=PRICE,
                hold_back_until=None, now=self.now,
            )  # fmt: skip


def pay(database: Database, account: str, key: str, now: datetime, amount: str = "1.00") -> None:
    fees = rules.fee_account("esc_" + "0" * 26)
    leg = Leg(fees, rules.available(account), Money.parse(amount))
    with database.transaction() as session:
        fund = Leg("asset:sandbox", fees, leg.amount)
        ledger.post_all(session, [(f"{key}:in", [fund]), (key, [leg])], now=now)
