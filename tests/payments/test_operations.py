"""Deposits and payouts through the sandbox bank: faults, crashes between the steps, late workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from core import errors
from core.db import Database
from core.money import Money
from core.states import History
from payments import escrow, outbox, rules, service, tasks
from payments.rails import Answer, Order, Outcome, Rail
from payments.rails.sandbox import SandboxRail
from payments.rules import OperationKind
from payments.tables import Operation, SandboxBooking
from tests.payments.traders import NOW, PRICE, Clock, available, balance, broken, held, trader

ROOT = Path(__file__).parents[2]


class Crash(BaseException):
    """Stands for the death of a worker: nothing catches it."""


class DyingWorker:
    """A rail under which the worker dies, before or after the real bank was called. Counts the calls."""

    name, kinds = "sandbox", SandboxRail.kinds

    def __init__(self, bank: Rail, *, before: bool = False, after: bool = False) -> None:
        self.bank, self.before, self.after, self.calls = bank, before, after, 0

    def look_up(self, order: Order) -> Answer | None:
        return self.bank.look_up(order)

    def send(self, order: Order) -> Answer:
        self.calls += 1
        if self.before:
            raise Crash
        answer = self.bank.send(order)
        if self.after:
            raise Crash
        return answer


class Recorder:
    """Where jobs go: a list."""

    def __init__(self) -> None:
        self.jobs: list[tuple[str, tuple[str, ...]]] = []

    def send(self, jobs: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        self.jobs.extend(jobs)


def ordered(database: Database, kind: str, account: str, amount: str) -> str:
    with database.transaction() as session:
        make = service.request_deposit if kind == "deposit" else service.request_payout
        return make(session, account, Money.parse(amount), now=NOW).id


def earner(database: Database) -> str:
    """Somebody with PRICE payable."""
    made, worker = held(database), trader(database)
    with database.transaction() as session:
        escrow.release(session, made.id, 0, worker, hold_back_until=None, now=NOW)
    return worker


def status(database: Database, operation: str) -> str:
    with database.reading() as session:
        return session.get_one(Operation, operation).status


def bookings(database: Database, operation: str) -> list[str | None]:
    with database.reading() as session:
        return list(
            session.scalars(select(SandboxBooking.outcome).where(SandboxBooking.operation == operation))
        )


def sweep(database: Database, rail: Rail, clock: Clock, operation: str, *, rounds: int = 4) -> None:
    """What the sweeper and the worker do, until nothing is due; then time passes; and again."""
    for _ in range(rounds):
        clock.forward(timedelta(minutes=2))
        while True:
            with database.reading() as session:
                due = outbox.due_operations(session, clock())
            if operation not in due:
                break
            outbox.run_operation(database, {"sandbox": rail}, operation, clock=clock)


@pytest.mark.parametrize(
    ("amount", "first", "last"),
    [
        ("5.00", "done", "done"),
        ("5.000001", "failed", "failed"),
        ("5.000002", "unknown", "done"),
        ("5.000003", "unknown", "done"),
        ("5.000004", "unknown", "failed"),
    ],
)
@pytest.mark.parametrize("kind", ["deposit", "payout"])
def test_whatever_the_bank_does_the_books_follow(
    books: Database, kind: str, amount: str, first: str, last: str
) -> None:
    account = trader(books) if kind == "deposit" else earner(books)
    clock, bank = Clock(), DyingWorker(SandboxRail(books))
    operation = ordered(books, kind, account, amount)
    outbox.run_operation(books, {"sandbox": bank}, operation, clock=clock)
    assert status(books, operation) == first
    assert broken(books) == []
    sweep(books, bank, clock, operation)
    assert status(books, operation) == last
    assert bookings(books, operation) == [last]
    assert bank.calls == (2 if amount == "5.000003" else 1)
    moved = Money.parse(amount).micros if last == "done" else 0
    if kind == "deposit":
        assert available(books, account) == moved
    else:
        assert balance(books, rules.payable(account)) == PRICE.micros - moved
        assert balance(books, rules.in_payout(account)) == 0
    assert broken(books) == []


@pytest.mark.parametrize("kind", ["deposit", "payout"])
@pytest.mark.parametrize(("before", "after"), [(True, False), (False, True)])
def test_a_worker_that_dies_around_the_call_moves_the_money_once(
    books: Database, kind: str, before: bool, after: bool
) -> None:
    account = trader(books) if kind == "deposit" else earner(books)
    clock, bank = Clock(), SandboxRail(books)
    operation = ordered(books, kind, account, "5.00")
    dying = DyingWorker(bank, before=before, after=after)
    with pytest.raises(Crash):
        outbox.run_operation(books, {"sandbox": dying}, operation, clock=clock)
    assert status(books, operation) == "sent"
    assert broken(books) == []
    alive = DyingWorker(bank)
    outbox.run_operation(books, {"sandbox": alive}, operation, clock=clock)
    assert (alive.calls, status(books, operation)) == (0, "sent"), "under another's lease nothing is done"
    sweep(books, alive, clock, operation)
    assert status(books, operation) == "done"
    assert alive.calls == (1 if before else 0), "what the bank has booked is looked up, not sent again"
    assert bookings(books, operation) == ["done"]
    assert broken(books) == []


def test_a_worker_killed_after_the_bank_booked_loses_nothing(database: Database) -> None:
    """A real process, a real SIGKILL."""
    account, clock = trader(database), Clock()
    operation = ordered(database, "deposit", account, "5.00")
    program = f"""
import os, signal
from core.db import Database
from payments import outbox
from payments.rails.sandbox import SandboxRail
from payments.rules import OperationKind
database = Database({str(database.engine.url)!r})
class Killed(SandboxRail):
    def send(self, order):
        super().send(order)
        os.kill(os.getpid(), signal.SIGKILL)
outbox.run_operation(database, {{"sandbox": Killed(database)}}, {operation!r})
"""
    child = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
    )
    assert child.returncode == -signal.SIGKILL
    assert (status(database, operation), bookings(database, operation)) == ("sent", ["done"])
    assert available(database, account) == 0
    clock.time += timedelta(days=3650)  # the child's lease is by its own clock
    sweep(database, SandboxRail(database), clock, operation)
    assert (status(database, operation), available(database, account)) == ("done", 5_000_000)
    assert broken(database) == []


def test_a_late_worker_cannot_undo_or_repeat_what_was_recorded(books: Database) -> None:
    account = trader(books)
    operation = ordered(books, "deposit", account, "5.00")
    outbox.run_operation(books, {"sandbox": SandboxRail(books)}, operation, clock=Clock())
    for late in (Answer(Outcome.DONE), Answer(Outcome.UNKNOWN)):
        with books.transaction() as session:
            assert outbox.record_answer(session, operation, late, now=NOW).status == "done"
    with pytest.raises(errors.BooksRefused, match="contradicts"), books.transaction() as session:
        outbox.record_answer(session, operation, Answer(Outcome.FAILED), now=NOW)
    assert available(books, account) == 5_000_000
    assert broken(books) == []


def test_an_operation_that_stays_unknown_rests_longer_and_longer_and_is_reported(database: Database) -> None:
    class Silent(SandboxRail):
        def send(self, order: Order) -> Answer:
            return Answer(Outcome.UNKNOWN, reason="no_answer")

        def look_up(self, order: Order) -> Answer | None:
            return Answer(Outcome.UNKNOWN, reason="no_answer")

    account, clock, rail = trader(database), Clock(), Silent(database)
    operation = ordered(database, "deposit", account, "5.00")
    tries = 0
    for _ in range(2 * 60 * 60):
        with database.reading() as session:
            due = outbox.due_operations(session, clock())
        if due:
            outbox.run_operation(database, {"sandbox": rail}, operation, clock=clock)
            tries += 1
        clock.forward(timedelta(seconds=1) if tries < 5 else timedelta(minutes=5))
        if clock() > NOW + timedelta(hours=6):
            break
    assert 10 <= tries <= 20
    assert available(database, account) == 0
    stuck = tasks.check_books(database, now=clock())
    assert [figure.name for figure in stuck] == ["I12 stuck"]


def test_a_payout_takes_no_more_than_is_payable_and_twice_is_too_much(books: Database) -> None:
    worker = earner(books)
    ordered(books, "payout", worker, "6.00")
    with pytest.raises(errors.InsufficientFunds):
        ordered(books, "payout", worker, "6.00")
    assert balance(books, rules.in_payout(worker)) == 6_000_000
    assert broken(books) == []


@pytest.mark.parametrize("kind", ["deposit", "payout"])
@pytest.mark.parametrize("amount", ["0.00", "0.009999", "1000000.000001"])
def test_amounts_no_rail_moves_are_refused(database: Database, kind: str, amount: str) -> None:
    with pytest.raises(errors.BadInput):
        ordered(database, kind, trader(database), amount)


def test_the_order_wakes_a_worker_after_its_commit_and_the_sweeper_wakes_it_again(database: Database) -> None:
    account, recorder = trader(database), Recorder()
    database.queue = recorder
    operation = ordered(database, "deposit", account, "5.00")
    assert recorder.jobs == [("payments.run_operation", (operation,))]
    with pytest.raises(errors.InsufficientFunds):
        ordered(database, "payout", account, "5.00")
    assert len(recorder.jobs) == 1
    assert [tasks.sweep_operations(database, now=NOW) for _ in range(3)] == [1, 0, 0]
    assert recorder.jobs[1:] == [("payments.run_operation", (operation,))]
    assert tasks.sweep_operations(database, now=NOW + rules.WAKE_AGAIN) == 1
    tasks.run_operation(database, {"sandbox": SandboxRail(database)}, operation, lease_for=rules.LEASE)
    assert tasks.sweep_operations(database, now=NOW + timedelta(days=3650)) == 0


def test_each_step_is_in_the_owners_history(database: Database) -> None:
    account = trader(database)
    operation = ordered(database, "deposit", account, "5.000002")
    clock = Clock()
    outbox.run_operation(database, {"sandbox": SandboxRail(database)}, operation, clock=clock)
    sweep(database, SandboxRail(database), clock, operation)
    with database.reading() as session:
        rows = session.scalars(
            select(History).where(History.subject == operation).order_by(History.seq)
        ).all()
        assert [row.after for row in rows] == ["new", "sent", "unknown", "done"]
        assert {row.tenant for row in rows} == {account}


def test_the_bank_refuses_another_order_under_a_known_id(database: Database) -> None:
    bank = SandboxRail(database)
    bank.send(Order("ops_1", OperationKind.DEPOSIT, "acc_1", Money.parse("1.00")))
    with pytest.raises(errors.IdempotencyConflict):
        bank.send(Order("ops_1", OperationKind.DEPOSIT, "acc_1", Money.parse("2.00")))
    with pytest.raises(errors.IdempotencyConflict):
        bank.send(Order("ops_1", OperationKind.PAYOUT, "acc_1", Money.parse("1.00")))


def test_a_house_without_the_rail_or_the_operation_says_so(database: Database) -> None:
    operation = ordered(database, "deposit", trader(database), "5.00")
    with pytest.raises(errors.Unavailable):
        outbox.run_operation(database, {}, operation, clock=Clock())
    with pytest.raises(errors.NotFound):
        outbox.run_operation(database, {}, "ops_none", clock=Clock())


def test_operations_are_their_owners_only(database: Database) -> None:
    mine, other = trader(database), trader(database)
    operation = ordered(database, "deposit", mine, "5.00")
    with database.reading() as session:
        assert service.operation(session, mine, operation).id == operation
        with pytest.raises(errors.NotFound):
            service.operation(session, other, operation)
