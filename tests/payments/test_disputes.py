"""Disputes: what the payer's bank takes back, and who bears it in the end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.db import Database
from core.money import Money
from payments import disputes, escrow, reconcile, rules
from tests.fakes.stripe import disputes as bank
from tests.payments.stripe_house import StripeHouse
from tests.payments.test_refunds import deposit_of
from tests.payments.traders import broken

HUNDRED = Money.parse("100.00")


@pytest.fixture
def house(database: Database) -> StripeHouse:
    return StripeHouse(database)


def buyer_with_all_in_escrow(house: StripeHouse) -> tuple[str, str]:
    """A buyer that paid in 100 dollars and posted a bounty with them; its escrow."""
    buyer = house.paid_in("100.00")
    with house.database.transaction() as session:
        held = escrow.hold(
            session, subject=buyer, payers=[(buyer, HUNDRED)], price=Money.parse("50.00"), fee=Money(0),
            slots=2, now=house.clock(),
        )  # fmt: skip
    house.clock.forward(timedelta(days=3))
    assert reconciled(house) == (0, 0)
    return buyer, held.id


def dispute(house: StripeHouse, buyer: str) -> str:
    """The bank takes back what the buyer paid in."""
    paid = house.get(deposit_of(house.database, buyer)).reference or ""
    intent = house.stripe.in_process().v1.payment_intents.retrieve(paid)
    opened = house.stripe.dispute(str(intent.latest_charge))
    disputes.sync(house.database, house.rail, opened, clock=house.clock)
    return opened


def give_back(house: StripeHouse, held: str, slots: list[int]) -> None:
    with house.database.transaction() as session:
        escrow.refund(session, held, slots, now=house.clock())


def close(house: StripeHouse, name: str, end: str) -> None:
    house.stripe.close_dispute(name, end)
    disputes.sync(house.database, house.rail, name, clock=house.clock)


def reconciled(house: StripeHouse) -> tuple[int, int]:
    made = reconcile.reconcile(house.database, house.rail, clock=house.clock)
    return made.difference, made.in_flight


def state(house: StripeHouse, buyer: str) -> tuple[str, str, str]:
    names = (rules.available(buyer), rules.receivable(buyer), rules.EXPENSE_CHARGEBACK)
    available, owed, cost = (house.balance(name) for name in names)
    return available, owed, cost


@pytest.mark.parametrize(("slots", "after"), [([], "-115.00"), ([0], "-65.00"), ([0, 1], "-15.00")])
def test_a_lost_dispute_is_paid_from_what_came_back_meanwhile(
    house: StripeHouse, slots: list[int], after: str
) -> None:
    buyer, held = buyer_with_all_in_escrow(house)
    name = dispute(house, buyer)
    assert state(house, buyer) == ("0.00", "-100.00", "-15.00")
    if slots:
        give_back(house, held, slots)
    close(house, name, "lost")
    assert state(house, buyer) == ("0.00", "0.00", after)
    assert reconciled(house) == (0, 0)
    assert broken(house.database) == []


def test_a_won_dispute_leaves_what_came_back_alone(house: StripeHouse) -> None:
    buyer, held = buyer_with_all_in_escrow(house)
    name = dispute(house, buyer)
    give_back(house, held, [0])
    close(house, name, "won")
    assert state(house, buyer) == ("50.00", "0.00", "-15.00")
    assert reconciled(house) == (0, 0)
    assert broken(house.database) == []


@pytest.mark.parametrize(("later", "in_all"), [(-bank.FEE, "0.00"), (bank.FEE, "-30.00")])
def test_a_fee_that_the_provider_changes_later_is_posted(
    house: StripeHouse, monkeypatch: pytest.MonkeyPatch, later: int, in_all: str
) -> None:
    buyer, _ = buyer_with_all_in_escrow(house)
    name = dispute(house, buyer)
    move = bank._move

    def with_fee(*given: object) -> None:
        *same, amount, _fee, category = given
        move(*same, amount, later, category)  # type: ignore[call-arg, arg-type]

    monkeypatch.setattr(bank, "_move", with_fee)
    house.stripe.close_dispute(name, "won")
    for _ in range(2):
        disputes.sync(house.database, house.rail, name, clock=house.clock)
    assert house.balance(rules.EXPENSE_CHARGEBACK) == in_all
    assert reconciled(house) == (0, 0)
    assert broken(house.database) == []
