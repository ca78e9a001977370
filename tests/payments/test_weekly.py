"""Payouts the house orders by itself: one a contributor a week, whole cents, however many ask for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from core import errors
from core.config import Settings
from core.db import Database
from core.money import Money
from core.states import History
from payments import halts, outbox, payouts, rules, service, tasks
from payments.rails import Answer, Order, Outcome
from payments.rails.sandbox import SandboxRail
from payments.tables import Operation
from tests.payments.stripe_house import RETURN_URL, StripeHouse
from tests.payments.traders import NOW, Clock, balance, broken, together, trader
from tests.payments.worth import owed

MINIMUM = rules.PAYOUT_MINIMUM
WEEK = timedelta(weeks=1)


def order(database: Database, now: datetime = NOW) -> int:
    return tasks.order_payouts(database, now=now, minimum=MINIMUM, rail="sandbox")


def payouts_of(database: Database, account: str) -> list[Operation]:
    with database.reading() as session:
        found = select(Operation).where(Operation.account == account, Operation.kind == "payout")
        rows = session.scalars(found.order_by(Operation.id)).all()
        session.expunge_all()
        return list(rows)


def payable(database: Database, account: str) -> int:
    return balance(database, rules.payable(account))


def test_what_is_due_is_netted_into_one_payout_of_whole_cents_and_the_dust_stays(books: Database) -> None:
    worker = owed(books, Money.parse("20.004999"))
    owed(books, Money.parse("7.50"), worker)
    poor, just = owed(books, Money.parse("24.999999")), owed(books, Money.parse("25.00"))
    assert order(books) == 2
    [made] = payouts_of(books, worker)
    assert (made.amount, made.week, made.status) == (27_500_000, "2026-W48", "new")
    assert (payable(books, worker), balance(books, rules.in_payout(worker))) == (4_999, 27_500_000)
    assert (payouts_of(books, poor), payable(books, just)) == ([], 0)
    outbox.run_operation(books, {"sandbox": SandboxRail(books)}, made.id, clock=Clock())
    assert balance(books, rules.in_payout(worker)) == 0
    assert broken(books) == []
    with books.reading() as session:
        told = session.scalars(select(History.after).where(History.subject == made.id).order_by(History.seq))
        assert list(told) == ["new", "sent", "done"]


class Refusing(SandboxRail):
    """A bank that declines."""

    def send(self, order: Order) -> Answer:
        return Answer(Outcome.FAILED, reason="declined")


def test_one_a_week_even_when_more_came_or_it_failed(database: Database) -> None:
    worker = owed(database, Money.parse("30.00"))
    assert order(database) == 1
    owed(database, Money.parse("40.00"), worker)
    [first] = payouts_of(database, worker)
    outbox.run_operation(database, {"sandbox": Refusing(database)}, first.id, clock=Clock())
    assert (payable(database, worker), order(database)) == (70_000_000, 0)
    assert order(database, NOW + WEEK) == 1
    assert [made.amount for made in payouts_of(database, worker)] == [30_000_000, 70_000_000]


def test_a_payout_by_hand_is_not_the_weeks(database: Database) -> None:
    worker = owed(database, Money.parse("60.00"))
    with database.transaction() as session:
        for _ in range(2):
            service.request_payout(session, worker, Money.parse("10.00"), now=NOW)
    assert order(database) == 1
    assert [made.week for made in payouts_of(database, worker)] == [None, None, "2026-W48"]
    assert broken(database) == []


@pytest.mark.parametrize(
    ("at", "week"),
    [
        ("2026-11-22T23:59:59+00:00", "2026-W47"),
        ("2026-11-23T00:30:00+02:00", "2026-W47"),
        ("2026-11-23T00:00:00+00:00", "2026-W48"),
        ("2027-01-01T12:00:00+00:00", "2026-W53"),
        ("2024-12-30T00:00:00+00:00", "2025-W01"),
    ],
)
def test_a_week_is_the_iso_week_in_utc(at: str, week: str) -> None:
    assert rules.iso_week(datetime.fromisoformat(at)) == week


def test_an_operation_moves_no_more_than_a_rail_may() -> None:
    assert rules.whole_cents(Money.parse("1000000.015")) == rules.LARGEST_MOVE
    assert rules.whole_cents(Money.parse("0.019999")) == Money.parse("0.01")


def test_batch_after_batch_nobody_is_forgotten(database: Database) -> None:
    workers = [owed(database, MINIMUM) for _ in range(5)]
    seen = []
    while True:
        with database.transaction() as session:
            made = payouts.order_due(session, now=NOW, limit=2)
            if not made:
                break
            seen.append([one.account for one in made])
    assert [len(batch) for batch in seen] == [2, 2, 1]
    assert sorted(name for batch in seen for name in batch) == sorted(workers)
    assert broken(database) == []


def test_beats_at_once_order_one_payout_each(postgres: Database) -> None:
    workers = [owed(postgres, Money.parse("80.00")) for _ in range(6)]
    results = together(6, lambda _: order(postgres))
    assert sum(made for made in results if isinstance(made, int)) == 6, results
    assert [len(payouts_of(postgres, worker)) for worker in workers] == [1] * 6
    assert broken(postgres) == []


def test_a_run_that_read_before_another_committed_finds_the_week_taken(books: Database) -> None:
    """Whatever is payable again by then: that the balance would allow a second is no reason for one."""
    worker, amount = owed(books, Money.parse("80.00")), Money.parse("90.00")
    assert order(books) == 1
    owed(books, amount, worker)
    with books.transaction() as session:
        made = outbox.order_weekly(session, worker, amount, rail="sandbox", week="2026-W48", now=NOW)
        assert made is None
    assert [made.amount for made in payouts_of(books, worker)] == [80_000_000]
    assert broken(books) == []


def test_money_taken_by_hand_meanwhile_is_paid_once_one_way_or_the_other(postgres: Database) -> None:
    workers = [owed(postgres, MINIMUM) for _ in range(8)]

    def leave(number: int) -> int:
        if number == 0:
            return order(postgres)
        with postgres.transaction() as session:
            service.request_payout(session, workers[number], MINIMUM, now=NOW)
        return 1

    results = together(8, leave)
    assert all(isinstance(r, int | errors.InsufficientFunds) for r in results), results
    assert not isinstance(results[0], Exception)
    assert [len(payouts_of(postgres, worker)) for worker in workers] == [1] * 8
    assert broken(postgres) == []


def test_a_provider_that_cannot_pay_somebody_is_not_asked_to(database: Database) -> None:
    house = StripeHouse(database)
    registered, begun = house.payee(), trader(database)
    house.rail.people.onboarding_url(begun, return_url=RETURN_URL)
    for worker in (registered, begun, trader(database)):
        owed(database, MINIMUM, worker)
    assert tasks.order_payouts(database, now=NOW, minimum=MINIMUM, rail="stripe") == 1
    [made] = payouts_of(database, registered)
    assert (made.rail, made.week) == ("stripe", "2026-W48")


def test_nothing_is_ordered_while_payouts_are_halted(database: Database) -> None:
    worker = owed(database, MINIMUM)
    with database.transaction() as session:
        halts.halt(session, halts.PAYOUTS, "a test", now=NOW)
    assert (order(database), payouts_of(database, worker)) == (0, [])


@pytest.mark.parametrize("amount", ["0", "0.009", "-1", "ten", "1e2", "0.0000001"])
def test_a_minimum_that_no_rail_could_move_is_refused_at_the_start(
    amount: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTCHECK_PAYOUT_MINIMUM", amount)
    with pytest.raises(ValueError, match="payout_minimum"):
        Settings()


def test_the_minimum_is_a_setting_in_dollars(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().payout_minimum == Money.parse("25.00")
    monkeypatch.setenv("SPOTCHECK_PAYOUT_MINIMUM", "0.50")
    assert Settings().payout_minimum == Money.parse("0.50")
    assert datetime(2026, 11, 23, tzinfo=UTC).isoweekday() == 1, "the tests' week begins on a Monday"
