"""Deposits that failed, and money that comes all the same: none of it may vanish."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import stripe

from core.db import Database
from payments import reconcile, rules
from payments.rails import Outcome
from payments.rails.stripe_objects import session_answer
from payments.rules import Method
from tests.fakes.stripe import Fault
from tests.payments.stripe_house import StripeHouse
from tests.payments.traders import broken


@pytest.fixture
def house(database: Database) -> StripeHouse:
    return StripeHouse(database)


def with_card(house: StripeHouse, card: str) -> str:
    """A buyer with 50 dollars whose saved card is this one."""
    buyer = house.paid_in("50.00")
    customer = house.rail.people.known_customer(buyer) or ""
    method = house.stripe.in_process().v1.payment_methods.attach(card, {"customer": customer})
    house.rail.people.keep_method(buyer, method.id)
    return buyer


def intent_for(house: StripeHouse, operation: str) -> Any:
    listed = house.stripe.in_process().v1.payment_intents.list({"limit": 100})
    return next(one for one in listed.data if one.metadata.to_dict().get("operation") == operation)


def look(house: StripeHouse) -> tuple[int, int]:
    made = reconcile.reconcile(house.database, house.rail, clock=house.clock)
    return made.difference, made.in_flight


CARDS = ["pm_card_authenticationRequired", "pm_card_chargeCustomerFail"]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("fault", [None, Fault.DROP_AFTER])
def test_a_payment_that_failed_can_never_be_made_after_all(
    house: StripeHouse, card: str, fault: Fault | None
) -> None:
    buyer = with_card(house, card)
    operation = house.order("20.00", buyer, Method.SAVED)
    if fault is not None:
        house.stripe.faults.next("POST /v1/payment_intents", fault)
    house.run(operation)
    house.settle(days=0.1, step=timedelta(minutes=1))
    assert house.status(operation) == "failed"
    intent = intent_for(house, operation)
    assert intent.status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        house.stripe.in_process().v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})


def test_a_failure_is_not_told_before_the_payment_is_cancelled(house: StripeHouse) -> None:
    buyer = with_card(house, CARDS[1])
    operation = house.order("20.00", buyer, Method.SAVED)
    house.stripe.faults.next("POST /v1/payment_intents/:id/cancel", Fault.OUTAGE)
    assert house.run(operation) == "unknown"
    house.settle(days=0.1, step=timedelta(minutes=1))
    assert house.status(operation) == "failed"
    assert intent_for(house, operation).status == "canceled"


def test_what_was_paid_in_the_moment_it_was_to_be_cancelled_is_done(
    house: StripeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = with_card(house, CARDS[1])
    operation = house.order("20.00", buyer, Method.SAVED)
    first(house, monkeypatch, lambda intent: pay(house, intent))
    assert house.run(operation) == "done"
    assert house.balance(rules.available(buyer)) == "70.00"
    assert broken(house.database) == []


def test_money_of_an_operation_that_failed_goes_to_suspense_after_a_day(
    house: StripeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it came: a provider that broke its word, or a failure recorded by an older version of us."""
    buyer = with_card(house, CARDS[1])
    operation = house.order("20.00", buyer, Method.SAVED)
    look(house)
    with monkeypatch.context() as patched:
        patched.setattr(house.rail, "_surely", lambda _, answer: answer)
        assert house.run(operation) == "failed"
    pay(house, intent_for(house, operation).id)
    assert look(house) == (0, 19_120_000), "it may still be recorded"
    house.clock.forward(timedelta(days=1, minutes=1))
    for _ in range(2):
        assert look(house) == (0, 0)
    assert house.balance(rules.SUSPENSE) == "20.00"
    assert house.balance(rules.available(buyer)) == "50.00"
    assert broken(house.database) == []


def pay(house: StripeHouse, intent: str) -> None:
    house.stripe.in_process().v1.payment_intents.confirm(
        intent, {"payment_method": "pm_card_visa", "return_url": "https://x.example"}
    )


def first(house: StripeHouse, monkeypatch: pytest.MonkeyPatch, act: Callable[[str], None]) -> None:
    """Does something to a payment just before it is cancelled."""
    intents = house.rail._v1.payment_intents
    cancel = intents.cancel

    def late(name: str) -> object:
        act(name)
        return cancel(name)

    monkeypatch.setattr(intents, "cancel", late)
    monkeypatch.setattr(type(house.rail._v1), "payment_intents", intents, raising=False)


@pytest.mark.parametrize(
    ("session", "intent", "outcome"),
    [
        ("complete", "requires_payment_method", Outcome.FAILED),
        ("complete", "processing", Outcome.WAITING),
        ("open", "requires_payment_method", Outcome.WAITING),
        ("open", None, Outcome.WAITING),
        ("expired", None, Outcome.FAILED),
    ],
)
def test_a_bank_debit_that_is_refused_days_after_the_checkout_has_failed(
    session: str, intent: str | None, outcome: Outcome
) -> None:
    """Stripe: `checkout.session.async_payment_failed`; the session is complete and stays unpaid."""
    page = SimpleNamespace(id="cs_1", status=session, url=None)
    paid = SimpleNamespace(id="pi_1", status=intent) if intent else None
    assert session_answer(page, paid).outcome is outcome
