"""What the simulation found: workers that overtake each other, and ends that nobody tells us of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.db import Database
from core.money import Money
from core.states import History
from payments import ledger, outbox, reconcile, refunds, rules, topups
from payments.rails import Answer, Order, Rail
from payments.rails.stripe import StripeRail
from payments.rules import Leg, Method, OperationKind
from payments.tables import ProviderTransaction
from tests.fakes.stripe import Fault
from tests.payments.stripe_house import StripeHouse
from tests.payments.test_inbox import events_of, tell
from tests.payments.test_refunds import deposit_of
from tests.payments.test_stripe_rail import child_of, earn, earner, pay_out
from tests.payments.traders import broken, trader


class Overtaken:
    """A rail whose first order is slow: before it is sent, or after, its lease runs out and others go on."""

    name, kinds = "stripe", StripeRail.kinds

    def __init__(self, rail: Rail, others: Callable[[], object], *, after: bool) -> None:
        self.rail, self.others, self.after = rail, others, after

    def look_up(self, order: Order) -> Answer | None:
        return self.rail.look_up(order)

    def send(self, order: Order) -> Answer:
        if not self.after:
            self.others()
        answer = self.rail.send(order)
        if self.after:
            self.others()
        return answer


def run_slowly(house: StripeHouse, operation: str, others: Callable[[], object], *, after: bool) -> None:
    def meanwhile() -> None:
        house.clock.forward(rules.LEASE)
        others()

    rails: dict[str, Rail] = {"stripe": Overtaken(house.rail, meanwhile, after=after)}
    outbox.run_operation(house.database, rails, operation, clock=house.clock)


class Dies(Exception):
    """The end of a worker."""


def next_dies_at_work(house: StripeHouse, operation: str) -> None:
    """Another worker takes it, its order reaches Stripe, and it records nothing."""

    def die() -> None:
        raise Dies

    rails: dict[str, Rail] = {"stripe": Overtaken(house.rail, die, after=True)}
    with pytest.raises(Dies):
        outbox.run_operation(house.database, rails, operation, clock=house.clock)


def compare(house: StripeHouse) -> tuple[int, int]:
    made = reconcile.reconcile(house.database, house.rail, clock=house.clock)
    return made.difference, made.in_flight


def test_an_answer_that_comes_after_somebody_looked_in_vain_is_recorded(house: StripeHouse) -> None:
    payee = earner(house, "12.34")
    operation = pay_out(house, payee, "12.34")
    run_slowly(house, operation, lambda: house.run(operation), after=False)
    assert house.status(operation) == "done"
    assert house.stripe.effects["POST /v1/transfers"] == 1
    assert house.balance(rules.in_payout(payee)) == house.balance(rules.payable(payee)) == "0.00"
    with house.database.reading() as session:
        steps = session.scalars(
            select(History.after).where(History.subject == operation).order_by(History.seq)
        )
        assert list(steps) == ["new", "sent", "done"], "it never was as if nobody had sent it"


def test_a_refusal_to_one_whose_lease_ran_out_does_not_count(house: StripeHouse) -> None:
    """It found no account to pay; the next worker found one and paid."""
    payee = earner(house, "12.34")
    destination = house.rail.people.known_destination(payee) or ""
    house.stripe.disable(destination)
    house.rail.people.refresh(payee)
    operation = pay_out(house, payee, "12.34")

    def others() -> None:
        house.stripe.onboard(destination)
        house.rail.people.refresh(payee)
        next_dies_at_work(house, operation)

    run_slowly(house, operation, others, after=True)
    assert house.status(operation) == "sent"
    assert house.balance(rules.payable(payee)) == "0.00", "it was paid: it must not be payable again"
    house.clock.forward(rules.LEASE)
    assert house.run(operation) == "done"
    assert broken(house.database) == []


def test_an_unknown_of_one_whose_lease_ran_out_does_not_end_the_lease_of_the_next(house: StripeHouse) -> None:
    operation = pay_out(house, earner(house, "12.34"), "12.34")
    house.stripe.faults.next("POST /v1/transfers", Fault.DROP_BEFORE)
    run_slowly(house, operation, lambda: next_dies_at_work(house, operation), after=True)
    assert house.status(operation) == "sent"
    assert house.get(operation).due_at == house.clock() + rules.LEASE


def test_a_deposit_that_is_done_is_not_asked_about_again(house: StripeHouse) -> None:
    house.paid_in("25.00")
    before = sum(house.stripe.calls.values())
    tell(house, events_of(house))
    assert sum(house.stripe.calls.values()) == before


def test_a_charge_is_found_by_its_name_however_many_others_there_are(
    house: StripeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = house.paid_in("25.00")
    with house.database.reading() as session:
        wanted = outbox._as_order(session, house.get(deposit_of(house.database, account)))
    monkeypatch.setattr("payments.rails.stripe.MOST_LISTED", 0)
    found = house.rail.look_up(wanted)
    assert found is not None
    assert found.outcome == "done"


def test_the_fee_of_a_dispute_that_is_none_of_ours_leaves_free_money(house: StripeHouse) -> None:
    client = house.stripe.in_process()
    customer = client.v1.customers.create({}).id
    method = client.v1.payment_methods.attach("pm_card_createDispute", {"customer": customer}).id
    params: Any = {
        "amount": 700, "currency": "usd", "customer": customer, "payment_method": method,
        "confirm": True, "off_session": True,
    }  # fmt: skip
    client.v1.payment_intents.create(params)
    house.clock.forward(timedelta(days=3))
    for _ in range(2):
        assert compare(house) == (0, 0)
    assert house.balance(rules.SUSPENSE) == "0.00"
    assert house.cash() == ("0.00", "15.50"), "two fees: 50 cents of the charge, 15 dollars of the dispute"


def test_a_deposit_that_stripe_captures_later_is_in_flight_until_then(house: StripeHouse) -> None:
    house.stripe.world.capture_delay_s = 3600
    house.paid_in("25.00")
    assert compare(house) == (0, -25_000_000)
    house.clock.forward(timedelta(hours=1))
    assert compare(house) == (0, 0)
    house.stripe.world.capture_delay_s = 86_400
    house.paid_in("10.00")
    house.clock.forward(reconcile.CAPTURED_WITHIN)
    assert compare(house) == (-10_000_000, 0), "so late that somebody has to look"


def test_a_refund_that_failed_before_we_looked_explains_both_its_movements(house: StripeHouse) -> None:
    account = house.paid_in("25.00")
    with house.database.transaction() as session:
        refund = refunds.request_refund(
            session, account, deposit_of(house.database, account), Money.parse("5.00"), now=house.clock()
        ).id
    house.stripe.faults.next("POST /v1/refunds", Fault.DROP_AFTER)
    assert house.run(refund) == "unknown"
    (made,) = house.stripe.in_process().v1.refunds.list().data
    house.stripe.fail_refund(made.id)
    house.clock.forward(timedelta(minutes=1))
    assert house.run(refund) == "failed"
    assert compare(house) == (0, 0)
    with house.database.reading() as session:
        assert None not in session.scalars(select(ProviderTransaction.explained_by)).all()
    assert house.balance(rules.available(account)) == "25.00"


def test_a_refund_that_came_back_is_not_forgotten_when_the_provider_is_away_just_then(
    house: StripeHouse,
) -> None:
    account = house.paid_in("25.00")
    with house.database.transaction() as session:
        refund = refunds.request_refund(
            session, account, deposit_of(house.database, account), Money.parse("5.00"), now=house.clock()
        ).id
    assert house.run(refund) == "done"
    house.stripe.fail_refund(house.get(refund).reference or "")
    for _ in range(2):  # a reconciliation looks twice
        house.stripe.faults.next("GET /v1/refunds", Fault.OUTAGE)
    assert compare(house) == (0, 5_000_000)
    assert compare(house) == (0, 0)
    assert house.status(refund) == "returned"
    assert house.balance(rules.available(account)) == "25.00"


def test_a_refund_that_failed_before_its_worker_could_say_done_stays_failed(house: StripeHouse) -> None:
    """Seed 20261269 of the simulation: the webhook of the failure was quicker than the worker."""
    account = house.paid_in("25.00")
    with house.database.transaction() as session:
        refund = refunds.request_refund(
            session, account, deposit_of(house.database, account), Money.parse("5.00"), now=house.clock()
        ).id

    def fails_and_is_told() -> None:
        made = house.stripe.in_process().v1.refunds.list().data[0].id
        house.stripe.fail_refund(made)
        assert outbox.refresh(house.database, house.rail, refund, clock=house.clock)

    run_slowly(house, refund, fails_and_is_told, after=True)
    assert house.status(refund) == "failed"
    assert house.balance(rules.available(account)) == "25.00"
    assert broken(house.database) == []


def test_a_lost_dispute_is_closed_without_its_webhook(house: StripeHouse) -> None:
    account = house.paid_in("25.00")
    with house.database.transaction() as session:
        spent = Leg(rules.available(account), rules.payable(trader(house.database)), Money.parse("20.00"))
        ledger.post(session, "spent", [spent], now=house.clock())
    charge = house.stripe.in_process().v1.charges.list().data[0].id
    dispute = house.stripe.dispute(charge)
    assert compare(house) == (0, 0)
    assert house.balance(rules.receivable(account)) == "-20.00"
    house.stripe.close_dispute(dispute, "lost")
    house.clock.forward(timedelta(days=20))
    assert compare(house) == (0, 0)
    assert house.balance(rules.receivable(account)) == "0.00"
    assert house.balance(rules.EXPENSE_CHARGEBACK) == "-35.00"


def sent_to_a_bank(house: StripeHouse) -> str:
    """A contributor's 30 dollars that its bank has taken; the operation's id."""
    house.paid_in("100.00")
    house.clock.forward(timedelta(days=3))
    assert compare(house) == (0, 0)
    payee = house.payee()
    earn(house, payee, "30.00")
    first = pay_out(house, payee, "30.00")
    house.run(first)
    bank = child_of(house, first, OperationKind.BANK_PAYOUT)
    house.run(bank)
    house.stripe.settle_payout(house.get(bank).reference or "", "paid")
    house.clock.forward(rules.LOOK_AGAIN)
    assert house.run(bank) == "done"
    return bank


def test_a_bank_that_sends_a_payout_back_is_found_out_without_its_webhook(house: StripeHouse) -> None:
    bank = sent_to_a_bank(house)
    payee = house.get(bank).account
    compare(house)
    asked = house.stripe.calls["GET /v1/payouts"]
    for _ in range(3):
        compare(house)
    assert house.stripe.calls["GET /v1/payouts"] == asked, "once a day is enough"
    house.clock.forward(timedelta(days=4))
    house.stripe.settle_payout(house.get(bank).reference or "", "failed")
    compare(house)
    house.work()
    assert house.status(bank) == "returned"
    assert house.balance(rules.payable(payee)) == "30.00"


def test_a_bank_that_kept_a_payout_for_days_is_not_asked_any_more(house: StripeHouse) -> None:
    bank = sent_to_a_bank(house)
    house.clock.forward(rules.SENDS_BACK_WITHIN)
    assert compare(house) == (0, 0)
    asked = house.stripe.calls["GET /v1/payouts"]
    house.clock.forward(reconcile.LOOK_BACK_EVERY)
    assert compare(house) == (0, 0)
    assert house.stripe.calls["GET /v1/payouts"] == asked
    assert house.status(bank) == "done"


def test_no_automatic_top_up_beside_one_that_a_deposit_by_hand_overtook(house: StripeHouse) -> None:
    account = house.paid_in("10.00")
    ten = Money.parse("10.00")
    with house.database.transaction() as session:
        topups.set_rule(
            session, account, rail="stripe", below=Money.parse("50"), amount=ten,
            daily_cap=Money.parse("100"), now=house.clock(),
        )  # fmt: skip

    def fill() -> str | None:
        with house.database.transaction() as session:
            made = topups.fill(session, account, now=house.clock())
            return made.id if made is not None else None

    first = fill()
    assert first is not None
    by_hand = house.order("10.00", account, Method.SAVED)
    assert house.run(by_hand) == "done"
    assert fill() is None
    assert house.run(first) == "done"
    assert fill() is not None


@pytest.fixture
def house(database: Database) -> StripeHouse:
    return StripeHouse(database)
