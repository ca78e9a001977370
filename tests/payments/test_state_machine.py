"""Long random lives of the books, step by step beside a model: every verb, repeats and wrong moves.

After each step every balance is the model's and every invariant has the figure the model says (0, but for
what I12 and I13 report on purpose). Writers are serial on SQLite: races are in test_races.py.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_lives
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from core import errors
from core.db import Database
from core.money import Money
from payments import audit, earnings, escrow, ledger, outbox, payouts
from payments.rails import Answer, Outcome
from payments.rails.sandbox import SandboxRail
from payments.rules import Leg
from payments.tables import LedgerPosting, Transfer
from tests.payments.model import Model, Pot
from tests.payments.traders import NOW, funded, trader

_log = logging.getLogger(__name__)
LIVES, STEPS = 360, 50
CENT, START = 10_000, 20_000_000
ANY = st.integers(0, 119)  # which of several, modulo how many there are; so few are drawn evenly
PRICES = st.one_of(st.integers(1, 40), st.integers(40_000, 900_000), st.integers(40_000, 900_000))
MAGIC = st.sampled_from((0, 0, 0, 1, 2, 3, 4))  # what the sandbox bank does with an amount that ends so
UNTIL = st.sampled_from((None, timedelta(hours=5), timedelta(days=1), timedelta(days=2)))
HOLD: Any = {
    "weights": st.lists(st.integers(1, 50), min_size=1, max_size=3),
    "price": PRICES,
    "fee": st.integers(0, 9000),
    "premium": st.integers(0, 9000),
    "slots": st.integers(1, 4),
    "off": st.sampled_from((0, 0, 0, 0, 0, 0, 1)),
}


class Stage:
    """One database for all lives: each begins with a copy of the same file, under the same engine."""

    def __init__(self, blank: Path, folder: Path) -> None:
        self.template, self.path = folder / "template.db", folder / "books.db"
        shutil.copy(blank, self.template)
        with_people = Database(f"sqlite:///{self.template}")
        self.agents = sorted(funded(with_people, Money(START)) for _ in range(3))
        self.workers = [trader(with_people, f"worker {n}") for n in range(2)]
        with_people.dispose()  # the last connection to close leaves one whole file behind
        self.database = Database(f"sqlite:///{self.path}")
        event.listen(self.database.engine, "connect", _without_fsync)
        self.steps = 0

    def reset(self) -> None:
        self.database.dispose()
        for old in self.path.parent.glob(f"{self.path.name}*"):
            old.unlink()
        shutil.copy(self.template, self.path)


def _without_fsync(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")


STAGE: Stage


class Books(RuleBasedStateMachine):
    """The real thing and the model, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.stage, self.model, self.now = STAGE, Model(), NOW
        self.stage.reset()
        for agent in self.stage.agents:
            self.model.move(("asset:sandbox", f"agent:{agent}:available", START))
        self.database = self.stage.database
        self.rails = {"sandbox": SandboxRail(self.database)}
        self.escrows: dict[str, str] = {}  # subject -> escrow id
        self.orders: list[dict[str, Any]] = []

    def both(self, real: Callable[[Session], object], model: Callable[[], object]) -> Any:
        """Does it in the books and in the model: the same comes of it, the same error too."""
        before = self.model.money
        expected: str | None = None
        try:
            model()
        except errors.SpotcheckError as error:
            expected = error.code
            assert self.model.money is before, "the model itself is all or nothing"
        got, result = None, None
        try:
            with self.database.transaction() as session:
                result = real(session)
        except errors.SpotcheckError as error:
            got = error.code
        assert got == expected
        return result

    def agent(self, which: int) -> str:
        return self.stage.agents[which % len(self.stage.agents)]

    def worker(self, which: int) -> str:
        return self.stage.workers[which % len(self.stage.workers)]

    def subject(self, which: int) -> str:
        return list(self.escrows)[which % len(self.escrows)]

    def any_slot(self, state: str) -> bool:
        return any(state in pot.slots for pot in self.model.pots.values())

    def aim(self, which: int, state: str) -> tuple[str, int]:
        """A slot in this state, mostly; now and then any, and one beside the last."""
        found = [(b, n) for b, pot in self.model.pots.items() for n, s in enumerate(pot.slots) if s == state]
        if state == "released" and which % 3:  # better: one whose reward still waits
            found = [(b, n) for b, n in found if f"{b}/{n}" in self.model.waiting] or found
        if found and which % 5:
            return found[which // 5 % len(found)]
        return self.subject(which), which // 5 % 6 - 1

    def payable(self, worker: str) -> int:
        return self.model.money[f"contrib:{worker}:payable"]

    def after(self, wait: timedelta | None) -> datetime | None:
        return None if wait is None else self.now + wait

    # Money in and out, through the bank and its faults.

    def order(self, kind: str, who: str, amount: int, model: Callable[[], None]) -> None:
        make = outbox.request_deposit if kind == "deposit" else payouts.request_payout
        made = self.both(
            lambda s: make(s, who, Money(amount), rail="sandbox", now=self.now).id,
            lambda: model() if amount >= CENT else _raise(errors.BadInput("less than a cent")),
        )
        if made is not None:
            magic = amount % CENT if amount % CENT in (1, 2, 3, 4) else 0
            order = {"id": made, "kind": kind, "who": who, "amount": amount, "magic": magic}
            self.orders.append(order | {"status": "new", "sent": None})

    @rule(which=ANY, cents=st.integers(0, 3000), magic=MAGIC)
    def order_deposit(self, which: int, cents: int, magic: int) -> None:
        self.order("deposit", self.agent(which), cents * CENT + magic, lambda: None)

    @precondition(lambda self: any(self.payable(worker) >= 4 * CENT for worker in self.stage.workers))
    @rule(which=ANY, parts=st.integers(0, 4), magic=MAGIC, steps=st.integers(0, 3))
    def order_payout(self, which: int, parts: int, magic: int, steps: int) -> None:
        """Some quarters of what is payable, in cents and a magic ending; five are too much."""
        who = max(self.stage.workers, key=self.payable) if which % 5 else self.worker(which // 5)
        there = self.payable(who)
        amount = (there * (parts or 5) // 4 - magic) // CENT * CENT + magic
        leg = (f"contrib:{who}:payable", f"contrib:{who}:in_payout", amount)
        self.order("payout", who, max(amount, 0), lambda: self.model.move(leg))
        for _ in range(steps if self.orders else 0):
            self.work(which=which)

    @precondition(lambda self: self.orders)
    @rule(which=ANY)
    def work(self, which: int) -> None:
        """A worker takes the newest open order, or any: an ended one again changes nothing."""
        open_orders = [o for o in self.orders if o["status"] not in ("done", "failed")]
        order = open_orders[-1] if open_orders else self.orders[which % len(self.orders)]
        self.now += timedelta(minutes=1)  # longer than any rest after so few attempts
        outbox.run_operation(self.database, self.rails, order["id"], clock=lambda: self.now)
        self.follow(order)

    def follow(self, order: dict[str, Any]) -> None:
        """What the bank says, by the amount's ending; then what the order's end moves."""
        if order["status"] in ("done", "failed"):
            return
        fresh = order["status"] == "new"
        if fresh:
            order["sent"] = self.now
        if fresh and order["magic"] in (2, 3, 4):
            order["status"] = "unknown"
        else:  # found by a look-up; or never heard of there (3), and sent at once
            order["status"] = "failed" if order["magic"] in (1, 4) else "done"
            self.ended(order)

    def ended(self, order: dict[str, Any]) -> None:
        who, done = order["who"], order["status"] == "done"
        if order["kind"] == "deposit":
            if done:
                self.model.move(("asset:sandbox", f"agent:{who}:available", order["amount"]))
            return
        target = "asset:sandbox" if done else f"contrib:{who}:payable"
        self.model.move((f"contrib:{who}:in_payout", target, order["amount"]))

    @precondition(lambda self: any(o["status"] in ("done", "failed") for o in self.orders))
    @rule(which=ANY, said=st.sampled_from(Outcome))
    def hear_again(self, which: int, said: Outcome) -> None:
        ended = [o for o in self.orders if o["status"] in ("done", "failed")]
        order = ended[which % len(ended)]
        contradicts = said in (Outcome.DONE, Outcome.FAILED) and said.value != order["status"]
        self.both(
            lambda s: outbox.record_answer(s, order["id"], Answer(said), now=self.now),
            lambda: _raise(errors.BooksRefused("contradicts")) if contradicts else None,
        )

    # Escrow.

    @initialize(waits=st.lists(UNTIL, min_size=1, max_size=3), **HOLD)
    def open(self, waits: list[timedelta | None], **terms: Any) -> None:
        """A life begins with something held, and something earned, so that every verb has a chance."""
        self.hold(**terms)
        for which, wait in enumerate(waits, 1):
            if self.any_slot("held"):
                self.release(which=which, who=0, wait=wait)

    @precondition(lambda self: len(self.escrows) < 8)
    @rule(**HOLD)
    def hold(self, weights: list[int], price: int, fee: int, premium: int, slots: int, off: int) -> None:
        subject, total = f"b{len(self.escrows)}", slots * (price + fee)
        parts = [total * weight // sum(weights) for weight in weights]
        parts[0] += total - sum(parts) + off
        payers = {a: n for a, n in zip(self.stage.agents, parts, strict=False) if n}
        self.held(subject, payers, (price, fee, premium % (fee + 1), slots))

    @precondition(lambda self: self.escrows)
    @rule(which=ANY, changed=st.sampled_from((None, None, 0, 1, 2, 3)))
    def hold_again(self, which: int, changed: int | None) -> None:
        subject = self.subject(which)
        known: Any = self.model.terms[subject]
        payers, terms = known
        if changed is not None:
            more = [*terms]
            more[changed] += 1
            price, fee, premium, slots = terms = tuple(more)
            if premium > fee:
                return
            payers = {self.stage.agents[0]: slots * (price + fee)}
        self.held(subject, dict(payers), terms)

    def held(self, subject: str, payers: dict[str, int], terms: tuple[int, int, int, int]) -> None:
        price, fee, premium, slots = terms
        made = self.both(
            lambda s: (
                escrow.hold(
                    s,
                    subject=subject,
                    payers=[(who, Money(n)) for who, n in payers.items()],
                    price=Money(price),
                    fee=Money(fee),
                    premium=Money(premium),
                    slots=slots,
                    now=self.now,
                ).id
            ),
            lambda: self.model.hold(
                subject, payers, Pot(price, fee, premium, ["held"] * slots, dict(payers)), (payers, terms)
            ),
        )
        if made is not None:
            assert self.escrows.setdefault(subject, made) == made

    @precondition(lambda self: self.any_slot("held"))
    @rule(which=ANY, who=ANY, wait=UNTIL)
    def release(self, which: int, who: int, wait: timedelta | None) -> None:
        (subject, slot), worker, until = self.aim(which, "held"), self.worker(who), self.after(wait)
        self.both(
            lambda s: escrow.release(
                s, self.escrows[subject], slot, worker, hold_back_until=until, now=self.now
            ),
            lambda: self.model.release(subject, slot, worker, until),
        )

    @precondition(lambda self: self.any_slot("held"))
    @rule(which=ANY, more=st.sets(st.integers(0, 4), max_size=2))
    def refund(self, which: int, more: set[int]) -> None:
        subject, slot = self.aim(which, "held")
        slots = more | {slot} if slot >= 0 else set()
        self.both(
            lambda s: escrow.refund(s, self.escrows[subject], slots, now=self.now),
            lambda: (
                self.model.refund(subject, sorted(slots)) if slots else _raise(errors.BadInput("no slots"))
            ),
        )

    @precondition(lambda self: any("/" in key for key in self.model.waiting))
    @rule(which=ANY)
    def clawback(self, which: int) -> None:
        subject, slot = self.aim(which, "released")
        self.both(
            lambda s: escrow.clawback(s, self.escrows[subject], slot, now=self.now),
            lambda: self.model.clawback(subject, slot, self.now),
        )

    @rule(hours=st.integers(0, 30), swept=st.booleans())
    def time_passes(self, hours: int, swept: bool) -> None:
        """The sweeper may be late: what could mature then waits on."""
        self.now += timedelta(hours=hours)
        if swept:
            self.both(lambda s: earnings.mature(s, self.now), lambda: self.model.mature(self.now))

    @rule(subject=st.integers(0, 3), who=ANY, amount=st.integers(1, 20), wait=UNTIL)
    def pay_appeal(self, subject: int, who: int, amount: int, wait: timedelta | None) -> None:
        name, worker, until = f"cap{subject}", self.worker(who), self.after(wait)
        self.both(
            lambda s: escrow.pay_appeal(
                s, subject=name, contributor=worker, amount=Money(amount), hold_back_until=until, now=self.now
            ),
            lambda: self.model.appeal(name, worker, amount, until),
        )

    # The ledger itself.

    @rule(which=ANY, altered=st.booleans())
    def post_again(self, which: int, altered: bool) -> None:
        with self.database.reading() as session:
            keys = session.scalars(select(LedgerPosting.key).order_by(LedgerPosting.posted_at)).all()
            if not keys:
                return
            key = keys[which % len(keys)]
            rows = session.scalars(select(Transfer).where(Transfer.posting == key).order_by(Transfer.leg))
            legs = [Leg(t.source, t.target, Money(t.amount + altered)) for t in rows]
        posting = self.both(
            lambda s: ledger.post(s, key, legs, now=self.now),
            lambda: _raise(errors.IdempotencyConflict("other legs")) if altered else None,
        )
        assert altered or posting.replayed

    @rule(which=ANY, beyond=st.integers(1, 5))
    def overdraw(self, which: int, beyond: int) -> None:
        # What the market earns is in parts in the books, in one sum in the model.
        markets = ("asset:", "exp:", "rev:", "reserve:")
        names = sorted(n for n in self.model.money if not n.startswith(markets))
        if not names:
            return
        name = names[which % len(names)]
        target = "exp:appeals" if name.startswith("agent:") else f"agent:{self.agent(which)}:available"
        amount = self.model.money[name] + beyond
        self.both(
            lambda s: ledger.post(
                s, f"over:{which}", [Leg(self.real(name), target, Money(amount))], now=self.now
            ),
            lambda: self.model.move((name, target, amount)),
        )

    # What holds after each step.

    def real(self, name: str) -> str:
        """The books' name of a model's account."""
        kind, _, subject = name.partition(":")
        return f"escrow:{self.escrows[subject]}" if kind == "escrow" else name

    @invariant()
    def the_books_are_the_models(self) -> None:
        self.stage.steps += 1
        with self.database.reading() as session:
            rows = session.execute(text("SELECT id, balance FROM ledger_accounts WHERE balance <> 0")).all()
        found: Counter[str] = Counter()
        for name, balance in rows:
            found[name.rsplit(":", 1)[0] if name.startswith(("rev:", "reserve:")) else name] += balance
        assert found == {self.real(name): n for name, n in self.model.money.items() if n}

    @invariant()
    def the_audit_says_what_it_should(self) -> None:
        money, hour_ago = self.model.money, self.now - audit.STUCK_AFTER
        own = sum(n for name, n in money.items() if name.startswith(("rev:", "exp:")))
        stuck = sum(o["status"] == "unknown" and o["sent"] < hour_ago for o in self.orders)
        expected = {"I12 stuck": stuck, "I13 covered": max(0, -own)}
        found = {figure.name: figure.figure for figure in audit.books(self.database, now=self.now)}
        assert {name: n for name, n in found.items() if n} == {name: n for name, n in expected.items() if n}


def _raise(error: errors.SpotcheckError) -> None:
    raise error


@pytest.mark.timeout(600)
def test_ten_thousand_steps_leave_the_books_as_the_model_says(blank_sqlite: Path, tmp_path: Path) -> None:
    global STAGE  # Hypothesis makes the machines, and passes them nothing
    STAGE, began = Stage(blank_sqlite, tmp_path), time.process_time()
    lives = settings(
        max_examples=LIVES,
        stateful_step_count=STEPS,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_lives(Books, settings=lives)
    finally:
        STAGE.database.dispose()
    _log.info("%d steps in %.1f s of one core", STAGE.steps, time.process_time() - began)
    assert STAGE.steps - 2 * LIVES >= 10_000  # without what each life begins with
