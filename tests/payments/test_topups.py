"""Automatic top-ups: in time, one at a time, under their cap, and not after a declined card."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import errors
from core.db import Database
from core.ids import new_id
from core.money import Money
from core.sweeper import Sweeper
from payments import ledger, rules, tasks, topups
from payments.rules import Leg
from tests.payments.stripe_house import StripeHouse
from tests.payments.traders import NOW, broken, trader


def with_rule(database: Database, below: str, amount: str, cap: str) -> tuple[StripeHouse, str]:
    """A buyer with 25 dollars and a saved card."""
    house = StripeHouse(database)
    account = house.paid_in("25.00")
    set_rule(house, account, below, amount, cap)
    return house, account


def set_rule(house: StripeHouse, account: str, below: str, amount: str, cap: str) -> None:
    with house.database.transaction() as session:
        topups.set_rule(
            session, account, rail="stripe", now=house.clock(),
            below=Money.parse(below), amount=Money.parse(amount), daily_cap=Money.parse(cap),
        )  # fmt: skip


def spend(house: StripeHouse, account: str, amount: str) -> None:
    with house.database.transaction() as session:
        leg = Leg(rules.available(account), rules.available(trader(house.database)), Money.parse(amount))
        ledger.post(session, f"spent:{new_id('trf')}", [leg], now=house.clock())


def look(house: StripeHouse) -> None:
    """Sweeps twice at once, then lets the workers work."""
    sweeper = Sweeper(house.database)
    for _ in range(2):
        tasks.top_up(sweeper, now=house.clock())
    house.work()


def test_a_low_balance_is_filled_once_and_only_up_to_the_cap_of_a_day(database: Database) -> None:
    house, account = with_rule(database, "10.00", "20.00", "40.00")
    look(house)
    assert house.balance(rules.available(account)) == "25.00", "it is not low"
    for left in ("25.00", "25.00", "5.00"):
        spend(house, account, "20.00")
        look(house)
        assert house.balance(rules.available(account)) == left
    house.clock.forward(timedelta(days=1))
    look(house)
    assert house.balance(rules.available(account)) == "25.00", "the next day has a cap of its own"
    assert broken(database) == []


def test_a_declined_card_turns_it_off_until_it_is_set_anew(database: Database) -> None:
    house, account = with_rule(database, "10.00", "20.00", "100.00")
    sdk = house.stripe.in_process()
    customer = house.rail.people.known_customer(account) or ""
    bad = sdk.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer})
    good = house.rail.people.payer(account)[1] or ""
    house.rail.people.keep_method(account, bad.id)
    spend(house, account, "20.00")
    for _ in range(3):
        look(house)
        house.clock.forward(timedelta(hours=1))
    assert house.balance(rules.available(account)) == "5.00"
    with database.reading() as session:
        assert topups.rule_of(session, account).off_why == "generic_decline"
        assert topups.low_accounts(session) == []
    assert house.stripe.calls["POST /v1/payment_intents"] == 1
    house.rail.people.keep_method(account, good)
    set_rule(house, account, "10.00", "20.00", "100.00")
    look(house)
    assert house.balance(rules.available(account)) == "25.00"


def test_an_unknown_charge_is_waited_for_not_repeated(database: Database) -> None:
    from tests.fakes.stripe import Fault

    house, account = with_rule(database, "10.00", "20.00", "100.00")
    house.stripe.faults.next("POST /v1/payment_intents", Fault.DROP_AFTER)
    spend(house, account, "20.00")
    for _ in range(5):
        look(house)
    house.settle(days=0.1, step=timedelta(minutes=1))
    look(house)
    assert house.balance(rules.available(account)) == "25.00"
    assert house.stripe.effects["POST /v1/payment_intents"] == 1


def test_a_rule_that_cannot_be(database: Database) -> None:
    account = trader(database)
    house = StripeHouse(database)
    for below, amount, cap in (("1", "9.99", "100"), ("1", "10.001", "100"), ("1", "20", "19.99")):
        with pytest.raises(errors.BadInput):
            set_rule(house, account, below, amount, cap)
    ten = Money.parse("10")
    with pytest.raises(errors.BadInput), database.transaction() as session:
        topups.set_rule(session, account, rail="sandbox", below=ten, amount=ten, daily_cap=ten, now=NOW)
    with pytest.raises(errors.NotFound), database.reading() as session:
        topups.rule_of(session, account)


def test_accounts_at_their_cap_hide_nobody_behind_them(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = StripeHouse(database)
    buyers = [house.paid_in("10.00") for _ in range(5)]
    for buyer in buyers:
        set_rule(house, buyer, "20.00", "10.00", "10.00" if buyer != max(buyers) else "100.00")
    look(house)  # now all but the last are at their cap
    for buyer in buyers:
        spend(house, buyer, "20.00")
    monkeypatch.setattr(topups.low_accounts, "__kwdefaults__", {"after": "", "limit": 2})
    assert tasks.top_up(Sweeper(database), now=house.clock()) == 5
    house.work()
    told = {buyer: house.balance(rules.available(buyer)) for buyer in buyers}
    assert told == {buyer: "10.00" if buyer == max(buyers) else "0.00" for buyer in buyers}
