"""Our cash at Stripe beside Stripe's own books."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from core import errors
from core.db import Database
from core.money import Money
from payments import ledger, reconcile, refunds, rules
from payments.rails import Movement
from payments.rules import Leg
from payments.tables import ProviderTransaction, Reconciliation
from tests.fakes.stripe import Fault
from tests.payments.stripe_house import StripeHouse
from tests.payments.test_refunds import deposit_of
from tests.payments.test_stripe_rail import earn, pay_out
from tests.payments.traders import broken, trader


def look(house: StripeHouse) -> tuple[int, int]:
    made = reconcile.reconcile(house.database, house.rail, clock=house.clock)
    return made.difference, made.in_flight


def test_a_month_of_everything_adds_up(database: Database) -> None:
    house = StripeHouse(database)
    buyer, payee = house.paid_in("200.00"), house.payee()
    assert look(house) == (0, 0)
    assert house.cash() == ("-193.90", "0.00")  # 2.9 % and 30 cents of 200 are 6.10
    house.clock.forward(timedelta(days=3))
    assert look(house) == (0, 0)
    assert house.cash() == ("0.00", "-193.90"), "it is free"
    earn(house, payee, "50.00")
    operation = pay_out(house, payee, "50.00")
    house.run(operation)
    with database.transaction() as session:
        back = refunds.request_refund(
            session, buyer, deposit_of(database, buyer), Money.parse("30.00"), now=house.clock()
        ).id
    house.run(back)
    for _ in range(2):
        assert look(house) == (0, 0)
    assert house.cash() == ("0.00", "-113.90")
    with database.reading() as session:
        explained = session.scalars(select(ProviderTransaction.explained_by))
        assert set(explained) == {deposit_of(database, buyer), operation, back}
    assert broken(database) == []


def test_what_a_dead_worker_left_is_found_without_any_webhook(database: Database) -> None:
    house = StripeHouse(database)
    account = trader(database)
    operation = house.order("25.00", account)
    house.run(operation)
    house.stripe.pay(house.get(operation).reference or "")
    assert look(house) == (0, 0)
    assert house.status(operation) == "done"
    assert house.balance(rules.available(account)) == "25.00"


def test_a_difference_is_told_and_stays(database: Database) -> None:
    """Somebody tampered with our books of cash: no movement of Stripe's explains it."""
    house = StripeHouse(database)
    account = house.paid_in("25.00")
    with database.transaction() as session:
        wrong = Leg(rules.cash_in("stripe"), rules.available(account), Money(30_000))
        ledger.post(session, "no such movement", [wrong], now=house.clock())
    for _ in range(2):
        assert look(house) == (-30_000, 0)


def test_stripe_away_is_no_difference(database: Database) -> None:
    house = StripeHouse(database)
    house.paid_in("25.00")
    for route in ("GET /v1/balance_transactions", "GET /v1/balance"):
        house.stripe.faults.next(route, Fault.OUTAGE)
        with pytest.raises(errors.Unavailable):
            look(house)
    assert look(house) == (0, 0)


def busy(house: StripeHouse, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """A checkout is paid and recorded each time before the balance is read."""
    real = house.rail.cash
    left = iter(range(times))

    def cash() -> int:
        if next(left, None) is not None:
            house.paid_in("25.00")
        return real()

    monkeypatch.setattr(house.rail, "cash", cash)


def test_a_deposit_recorded_while_we_look_is_no_difference(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = StripeHouse(database)
    house.paid_in("50.00")
    busy(house, monkeypatch, 3)
    for _ in range(2):
        assert look(house) == (0, 0)


def test_a_balance_that_never_stands_still_is_not_compared(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = StripeHouse(database)
    busy(house, monkeypatch, 1000)
    with pytest.raises(errors.Unavailable, match="moved"):
        look(house)
    with database.reading() as session:
        assert session.scalars(select(Reconciliation)).all() == []


def test_money_that_is_held_for_long_becomes_free_in_our_books_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A younger movement that is free hides none that is not, however old it is."""
    house = StripeHouse(database)
    house.paid_in("50.00")
    real, held_until = house.rail.movements, house.clock() + timedelta(days=20)

    def movements(since: datetime) -> list[Movement]:
        found = list(real(since))
        held = [one.amount == 50_000_000 and house.clock() < held_until for one in found]
        return [replace(one, free=one.free and not late) for one, late in zip(found, held, strict=True)]

    monkeypatch.setattr(house.rail, "movements", movements)
    for _ in range(3):
        assert look(house) == (0, 0)
        house.clock.forward(timedelta(days=7))
        house.paid_in("10.00")
    house.clock.forward(timedelta(days=3))
    assert look(house) == (0, 0)
    assert house.cash()[0] == "0.00", "nothing of it is pending any more"
