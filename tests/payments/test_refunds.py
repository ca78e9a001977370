"""Deposits that go back: never more than came, never what is spent, whatever the bank does later."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from core import errors
from core.db import Database
from core.money import Money
from payments import inbox, ledger, outbox, refunds, rules
from payments.rails.sandbox import SandboxRail
from payments.rules import Leg
from payments.tables import Operation
from tests.payments.stripe_house import StripeHouse
from tests.payments.test_inbox import events_of, tell
from tests.payments.traders import NOW, available, broken, funded, together, trader

TEN = Money.parse("10.00")


def deposit_of(database: Database, account: str) -> str:
    from sqlalchemy import select

    with database.reading() as session:
        found = select(Operation.id).where(Operation.account == account, Operation.kind == "deposit")
        return session.scalars(found).one()


def refund(database: Database, account: str, deposit: str, amount: Money) -> str:
    with database.transaction() as session:
        return refunds.request_refund(session, account, deposit, amount, now=NOW).id


def test_eight_refunds_at_once_give_back_no_more_than_came(postgres: Database) -> None:
    """Of 25 dollars two tens; the balance alone would not stop a third, for more was paid in since."""
    account = funded(postgres, Money.parse("25.00"))
    deposit = deposit_of(postgres, account)
    funded(postgres, Money.parse("500.00"), account)
    results = together(8, lambda _: refund(postgres, account, deposit, TEN))
    assert sum(isinstance(result, str) for result in results) == 2
    assert sum(isinstance(result, errors.StateConflict) for result in results) == 6


def test_what_is_spent_does_not_go_back(books: Database) -> None:
    account = funded(books, Money.parse("25.00"))
    with books.transaction() as session:
        spent = Leg(rules.available(account), rules.available(trader(books)), Money.parse("20.00"))
        ledger.post(session, f"{account}:spent", [spent], now=NOW)
    with pytest.raises(errors.InsufficientFunds):
        refund(books, account, deposit_of(books, account), TEN)
    assert available(books, account) == 5_000_000
    refund(books, account, deposit_of(books, account), Money.parse("5.00"))
    assert broken(books) == []


def test_a_refund_is_of_ones_own_deposit_that_is_done(books: Database) -> None:
    account = funded(books, TEN)
    deposit = deposit_of(books, account)
    with pytest.raises(errors.NotFound):
        refund(books, trader(books), deposit, TEN)
    for unknown in ("ops_" + "0" * 26, "\x00", "ops_\x00"):  # Postgres cannot even look for a NUL
        with pytest.raises(errors.NotFound):
            refund(books, account, unknown, TEN)
    back = refund(books, account, deposit, TEN)
    with pytest.raises(errors.NotFound):
        refund(books, account, back, TEN)  # a refund is no deposit


def until_somebody_waits(database: Database) -> None:
    """Until a transaction of this database waits for another's lock."""
    waits = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(600):
        with database.reading() as session:
            if session.scalar(waits):
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits")


def test_a_refund_that_fails_and_one_that_is_asked_for_never_wait_in_a_circle(postgres: Database) -> None:
    account = funded(postgres, Money.parse("25.00"))
    deposit = deposit_of(postgres, account)
    refused = refund(postgres, account, deposit, Money.parse("10.000001"))  # so says the sandbox's bank
    bank = {"sandbox": SandboxRail(postgres)}
    with ThreadPoolExecutor(1) as pool:
        with postgres.transaction() as session:
            # As the conditional UPDATE of a second refund does it, before it comes to the ledger.
            session.get_one(Operation, deposit, with_for_update={"key_share": True})
            worker = pool.submit(outbox.run_operation, postgres, bank, refused, clock=lambda: NOW)
            until_somebody_waits(postgres)
            refunds.request_refund(session, account, deposit, TEN, now=NOW)
        worker.result()
    with postgres.reading() as session:
        assert session.get_one(Operation, refused).status == "failed"
        assert session.get_one(Operation, deposit).undone == TEN.micros
    assert available(postgres, account) == 15_000_000
    assert broken(postgres) == []


def test_a_refund_the_bank_sends_back_is_available_again_and_may_be_tried_again(database: Database) -> None:
    house = StripeHouse(database)
    account = house.paid_in("25.00")
    deposit = deposit_of(database, account)
    with database.transaction() as session:
        made = refunds.request_refund(session, account, deposit, TEN, now=house.clock()).id
    assert house.run(made) == "done"
    assert house.balance(rules.available(account)) == "15.00"
    events_of(house)
    house.stripe.fail_refund(house.get(made).reference or "")
    tell(house, events_of(house))
    assert house.status(made) == "returned"
    assert house.balance(rules.available(account)) == "25.00"
    assert house.get(deposit).undone == 0
    assert house.balance(rules.CLEARING_REFUND) == "0.00"
    assert broken(database) == []


def test_an_event_waits_its_turn_when_it_fails(database: Database) -> None:
    house = StripeHouse(database)
    with database.transaction() as session:
        assert inbox.receive(session, "stripe", "evt_1", "customer.created", {}, now=house.clock())
        assert not inbox.receive(session, "stripe", "evt_1", "customer.created", {}, now=house.clock())
        assert inbox.due_events(session, house.clock()) == []
        assert inbox.due_events(session, house.clock() + timedelta(seconds=3)) == [("stripe", "evt_1")]
