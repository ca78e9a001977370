"""The Stripe rail against the fake Stripe: every kind of order, every fault, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import errors
from core.db import Database
from core.money import Money
from payments import audit, ledger, outbox, payouts, rules, service
from payments.rails import Answer, Outcome
from payments.rules import Leg, Method, OperationKind
from payments.tables import Operation
from tests.fakes.stripe import Fault
from tests.payments.stripe_house import StripeHouse
from tests.payments.traders import broken, trader


@pytest.fixture
def house(database: Database) -> StripeHouse:
    return StripeHouse(database)


def test_a_deposit_waits_for_its_payer_and_arrives_once(house: StripeHouse) -> None:
    account = trader(house.database)
    operation = house.order("25.00", account)
    assert house.run(operation) == "waiting"
    assert (house.get(operation).url or "").startswith("https://")
    house.stripe.pay(house.get(operation).reference or "")
    assert house.run(operation) == "waiting", "it is not looked at again before its time"
    house.clock.forward(rules.LOOK_AGAIN)
    assert house.run(operation) == "done"
    assert house.get(operation).reference.startswith("pi_")  # type: ignore[union-attr]
    assert house.balance(rules.available(account)) == "25.00"
    # 2.9 % and 30 cents went to Stripe.
    assert house.balance(rules.EXPENSE_PROCESSOR) == "-1.03"
    assert house.cash() == ("-23.97", "0.00")
    assert broken(house.database) == []


def test_a_checkout_nobody_pays_fails_after_a_day(house: StripeHouse) -> None:
    operation = house.order("25.00", trader(house.database))
    house.run(operation)
    house.settle(days=1.1, step=timedelta(hours=1))
    assert (house.status(operation), house.get(operation).reason) == ("failed", "checkout_expired")


def test_a_saved_card_pays_without_a_person(house: StripeHouse) -> None:
    account = house.paid_in("25.00")
    again = house.order("10.00", account, Method.SAVED)
    assert house.run(again) == "done"
    assert house.balance(rules.available(account)) == "35.00"
    nobody = house.order("10.00", trader(house.database), Method.SAVED)
    assert (house.run(nobody), house.get(nobody).reason) == ("failed", "no_saved_method")


FAULTS = [
    Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.CONFLICT, Fault.RATE_LIMIT,
    Fault.ERROR_BEFORE, Fault.ERROR_AFTER, Fault.OUTAGE,
]  # fmt: skip


def settle_after(house: StripeHouse, fault: Fault) -> None:
    """Stripe repeats a 500 under its key for a day, as it documents: then a day is what it takes."""
    long = fault is Fault.ERROR_BEFORE
    house.settle(days=1.2 if long else 0.1, step=timedelta(minutes=20 if long else 1))


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_happens_to_the_call_a_card_is_charged_once(house: StripeHouse, fault: Fault) -> None:
    account = house.paid_in("25.00")
    house.stripe.faults.next("POST /v1/payment_intents", fault)
    operation = house.order("10.00", account, Method.SAVED)
    assert house.run(operation) == "unknown"
    settle_after(house, fault)
    assert house.status(operation) == "done"
    assert house.stripe.effects["POST /v1/payment_intents"] == 1
    assert house.balance(rules.available(account)) == "35.00"
    assert broken(house.database) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_happens_to_the_call_a_transfer_moves_once(house: StripeHouse, fault: Fault) -> None:
    payee = earner(house, "12.34")
    house.stripe.faults.next("POST /v1/transfers", fault)
    operation = pay_out(house, payee, "12.34")
    assert house.run(operation) == "unknown"
    assert house.balance(rules.in_payout(payee)) == "12.34"
    settle_after(house, fault)
    assert house.status(operation) == "done"
    assert house.stripe.effects["POST /v1/transfers"] == 1
    assert house.balance(rules.in_payout(payee)) == house.balance(rules.payable(payee)) == "0.00"
    assert broken(house.database) == []


def test_a_key_that_stripe_forgot_is_no_second_transfer(house: StripeHouse) -> None:
    """Stripe may drop an idempotency key after a day: the look-up by metadata is what holds then."""
    payee = earner(house, "12.34")
    house.stripe.faults.next("POST /v1/transfers", Fault.DROP_AFTER)
    operation = pay_out(house, payee, "12.34")
    assert house.run(operation) == "unknown"
    house.clock.forward(timedelta(days=3))
    assert house.run(operation) == "done"
    assert house.stripe.effects["POST /v1/transfers"] == 1


def test_a_payout_goes_on_to_the_bank_and_one_that_finds_none_comes_back(house: StripeHouse) -> None:
    payee = earner(house, "30.00")
    for end in ("paid", "failed"):
        first = pay_out(house, payee, "12.00")
        assert house.run(first) == "done"
        bank = child_of(house, first, OperationKind.BANK_PAYOUT)
        assert house.run(bank) == "waiting"
        house.stripe.settle_payout(house.get(bank).reference or "", end)
        house.clock.forward(rules.LOOK_AGAIN)
        assert house.run(bank) == ("done" if end == "paid" else "failed")
        house.work()
    assert house.status(child_of(house, first, OperationKind.REVERSAL)) == "done"
    assert house.balance(rules.payable(payee)) == "18.00"
    assert broken(house.database) == []


def stranded(house: StripeHouse) -> int:
    figures = audit.books(house.database, now=house.clock())
    return next(figure.figure for figure in figures if figure.name == "I14 stranded")


def test_a_reversal_that_is_refused_is_tried_again_every_day(
    house: StripeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The payee's account at Stripe was short: its bank's refusal must not leave the money there for good."""
    payee = earner(house, "30.00")
    first = pay_out(house, payee, "12.00")
    house.run(first)
    bank = child_of(house, first, OperationKind.BANK_PAYOUT)
    house.run(bank)
    house.stripe.settle_payout(house.get(bank).reference or "", "failed")
    house.clock.forward(rules.LOOK_AGAIN)
    with monkeypatch.context() as patched:
        refused = Answer(Outcome.FAILED, reason="balance_insufficient")
        patched.setattr(house.rail, "_reverse", lambda _: refused)
        for _ in range(3):
            house.work()
            assert house.balance(rules.payable(payee)) == "18.00"
            assert stranded(house) == 12_000_000
            house.clock.forward(rules.REVERSE_AGAIN)
    house.work()
    assert house.balance(rules.payable(payee)) == "30.00"
    house.settle(days=3, step=timedelta(hours=6))
    assert house.stripe.effects["POST /v1/transfers/:id/reversals"] == 1
    assert stranded(house) == 0
    assert broken(house.database) == []


def test_nobody_is_paid_before_stripe_knows_them(house: StripeHouse) -> None:
    account = trader(house.database)
    earn(house, account, "20.00")
    operation = pay_out(house, account, "20.00")
    assert (house.run(operation), house.get(operation).reason) == ("failed", "no_destination")
    assert house.balance(rules.payable(account)) == "20.00"
    with house.database.transaction() as session, pytest.raises(errors.StateConflict, match="does not pay"):
        service.request_payout(session, account, Money.parse("20.00"), rail="stripe", now=house.clock())
    house.payee(account)
    with house.database.transaction() as session:
        assert service.payee(session, account, "stripe").can_receive
    house.stripe.disable(house.rail.people.known_destination(account) or "", "rejected.fraud")
    standing = house.rail.people.refresh(account)
    assert (standing.can_receive, standing.disabled_reason) == (False, "rejected.fraud")
    again = pay_out(house, account, "20.00")
    assert house.run(again) == "failed"
    assert house.balance(rules.payable(account)) == "20.00"


def test_a_transfer_the_provider_cannot_cover_comes_back(house: StripeHouse) -> None:
    payee = house.payee()
    earn(house, payee, "20.00")  # and Stripe holds nothing of ours
    operation = pay_out(house, payee, "20.00")
    assert (house.run(operation), house.get(operation).reason) == ("failed", "balance_insufficient")
    assert house.balance(rules.payable(payee)) == "20.00"


def test_a_rail_is_not_asked_for_parts_of_a_cent(house: StripeHouse) -> None:
    from payments.rails.stripe import cents

    assert cents(Money.parse("0.01")) == 1
    with pytest.raises(ValueError, match="whole number of cents"):
        cents(Money.parse("0.010001"))


def test_a_wrong_key_is_no_verdict_on_the_money(house: StripeHouse) -> None:
    from payments.rails.stripe import StripeRail

    account = house.paid_in("25.00")
    stranger = StripeRail(house.database, house.stripe.in_process(key=""), return_url="https://x.example")
    operation = house.order("10.00", account, Method.SAVED)
    outbox.run_operation(house.database, {"stripe": stranger}, operation, clock=house.clock)
    assert house.status(operation) == Outcome.UNKNOWN


def earner(house: StripeHouse, amount: str) -> str:
    """A contributor Stripe can pay, with this much payable, and the cash at Stripe to pay it from."""
    house.paid_in("500.00")
    house.clock.forward(timedelta(days=3))
    with house.database.transaction() as session:
        free = Leg(rules.cash_out("stripe"), rules.cash_in("stripe"), Money.parse("400.00"))
        ledger.post(session, "stripe:txn_test:available", [free], now=house.clock())
    payee = house.payee()
    earn(house, payee, amount)
    return payee


def earn(house: StripeHouse, account: str, amount: str) -> None:
    with house.database.transaction() as session:
        leg = Leg(rules.EXPENSE_APPEALS, rules.payable(account), Money.parse(amount))
        ledger.post(session, f"appeal:{account}", [leg], now=house.clock())


def pay_out(house: StripeHouse, account: str, amount: str) -> str:
    with house.database.transaction() as session:
        return payouts.request_payout(
            session, account, Money.parse(amount), rail="stripe", now=house.clock()
        ).id


def child_of(house: StripeHouse, parent: str, kind: OperationKind) -> str:
    from sqlalchemy import select

    with house.database.reading() as session:
        found = select(Operation.id).where(Operation.parent == parent, Operation.kind == kind.value)
        return session.scalars(found).one()
