"""What Stripe tells, in every order and any number of times: the same books in the end."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from core import errors
from core.db import Database
from core.money import Money
from payments import inbox, ledger, payouts, reconcile, rules
from payments.rails import What
from payments.rails.stripe_events import about, open_event
from payments.rules import Leg, OperationKind
from payments.tables import InboxEvent, Operation
from tests.fakes.stripe import signature
from tests.payments.stripe_house import StripeHouse
from tests.payments.traders import broken, fresh, trader

SECRET = "whsec_of_this_endpoint"


def events_of(house: StripeHouse) -> list[tuple[str, str, dict[str, Any]]]:
    """Every event queued at Stripe, as the route would open it; the queue is emptied."""
    found: list[tuple[str, str, dict[str, Any]]] = []

    def take(body: bytes, headers: dict[str, str]) -> None:
        event = open_event(body, headers["Stripe-Signature"], SECRET, now=house.clock())
        found.append((event.id, event.kind, event.payload))

    house.stripe.deliver(take, SECRET)
    return found


def tell(house: StripeHouse, events: list[tuple[str, str, dict[str, Any]]]) -> None:
    """Receives and handles events one by one."""
    for event, kind, payload in events:
        with house.database.transaction() as session:
            inbox.receive(session, "stripe", event, kind, payload, now=house.clock())
        inbox.handle(house.database, house.rail, "stripe", event, clock=house.clock)


def books_of(house: StripeHouse) -> dict[str, int]:
    """Balances that are not 0, by account class: ids differ from one run to the next."""
    with house.database.reading() as session:
        rows = session.execute(text("SELECT id, balance FROM ledger_accounts WHERE balance <> 0"))
        return {re.sub("acc_[0-9a-z]{26}", "*", row.id): row.balance for row in rows}


def every_order(
    blank: Path,
    scene: Callable[[StripeHouse], list[tuple[str, str, dict[str, Any]]]],
    expected: dict[str, int],
) -> None:
    """Each permutation of a scene's events (each twice in a row, the first once more at the end)."""
    with fresh(blank) as database:
        count = len(scene(StripeHouse(database)))
    assert 2 <= count <= 6
    for order in itertools.permutations(range(count)):
        with fresh(blank) as database:
            house = StripeHouse(database)
            events = scene(house)
            tell(house, [events[number] for number in order for _ in range(2)] + [events[order[0]]])
            house.work()
            made = reconcile.reconcile(database, house.rail, clock=house.clock)
            assert (made.difference, made.in_flight) == (0, 0)
            assert books_of(house) == expected, order
            assert broken(database) == []


def topped_up(house: StripeHouse) -> list[tuple[str, str, dict[str, Any]]]:
    """A checkout that was paid, and nobody has looked yet."""
    operation = house.order("25.00", trader(house.database))
    house.run(operation)
    house.stripe.pay(house.get(operation).reference or "")
    return [event for event in events_of(house) if about(event[1], event[2]).what is What.OPERATION]


def disputed(house: StripeHouse, end: str) -> list[tuple[str, str, dict[str, Any]]]:
    """The same, and then the payer's bank takes it back."""
    told = topped_up(house)
    charge = next(p["data"]["object"]["id"] for _, kind, p in told if kind.startswith("charge."))
    house.stripe.close_dispute(house.stripe.dispute(charge), end)
    arrived = [event for event in told if event[1] == "payment_intent.succeeded"]
    return arrived + [event for event in events_of(house) if event[1].startswith("charge.dispute.")]


def paid_out(house: StripeHouse) -> list[tuple[str, str, dict[str, Any]]]:
    """A payout whose bank sends it back after it was called paid."""
    house.paid_in("100.00")
    house.clock.forward(timedelta(days=3))
    reconcile.reconcile(house.database, house.rail, clock=house.clock)
    payee = house.payee()
    with house.database.transaction() as session:
        earned = Leg(rules.EXPENSE_APPEALS, rules.payable(payee), Money.parse("30.00"))
        ledger.post(session, "appeal:test", [earned], now=house.clock())
        made = payouts.request_payout(
            session, payee, Money.parse("30.00"), rail="stripe", now=house.clock()
        ).id
    events_of(house)
    assert house.run(made) == "done"
    with house.database.reading() as session:
        bank = session.scalars(select(Operation.id).where(Operation.kind == OperationKind.BANK_PAYOUT)).one()
    house.run(bank)
    for end in ("paid", "failed"):
        house.stripe.settle_payout(house.get(bank).reference or "", end)
    return [event for event in events_of(house) if about(event[1], event[2]).what is What.OPERATION]


def test_events_of_a_top_up_in_every_order_with_duplicates(blank_sqlite: Path) -> None:
    expected = {
        "agent:*:available": 25_000_000,
        "asset:stripe:pending": -23_970_000,
        "exp:processor": -1_030_000,
    }
    every_order(blank_sqlite, topped_up, expected)


def test_events_of_a_dispute_that_is_lost_in_every_order(blank_sqlite: Path) -> None:
    every_order(
        blank_sqlite,
        lambda house: disputed(house, "lost"),
        {
            "asset:stripe:pending": -23_970_000,
            "asset:stripe:available": 40_000_000,
            "exp:processor": -1_030_000,
            "exp:chargeback": -15_000_000,
        },
    )


def test_events_of_a_dispute_that_is_won_in_every_order(blank_sqlite: Path) -> None:
    every_order(
        blank_sqlite,
        lambda house: disputed(house, "won"),
        {
            "agent:*:available": 25_000_000,
            "asset:stripe:pending": -23_970_000,
            "asset:stripe:available": 15_000_000,
            "exp:processor": -1_030_000,
            "exp:chargeback": -15_000_000,
        },
    )


def test_events_of_a_payout_that_comes_back_in_every_order(blank_sqlite: Path) -> None:
    every_order(
        blank_sqlite,
        paid_out,
        {
            "agent:*:available": 100_000_000,
            "contrib:*:payable": 30_000_000,
            "asset:stripe:available": -96_800_000,
            "exp:processor": -3_200_000,
            "exp:appeals": -30_000_000,
        },
    )


def test_what_a_buyer_spent_before_a_dispute_it_owes(database: Database) -> None:
    house = StripeHouse(database)
    tell(house, topped_up(house))
    with database.reading() as session:
        buyer = session.scalars(select(Operation.account)).one()
        charge = session.scalars(select(Operation.reference)).one()
    with database.transaction() as session:
        spent = Leg(rules.available(buyer), rules.payable(trader(database)), Money.parse("20.00"))
        ledger.post(session, "spent", [spent], now=house.clock())
    intent = house.stripe.in_process().v1.payment_intents.retrieve(charge or "")
    dispute = house.stripe.dispute(str(intent.latest_charge))
    tell(house, events_of(house))
    assert house.balance(rules.available(buyer)) == "0.00"
    assert house.balance(rules.receivable(buyer)) == "-20.00"
    house.stripe.close_dispute(dispute, "won")
    tell(house, events_of(house))
    assert house.balance(rules.available(buyer)) == "5.00"
    assert house.balance(rules.receivable(buyer)) == "0.00"
    assert broken(database) == []


def test_an_event_before_the_answer_to_our_own_call(database: Database) -> None:
    house = StripeHouse(database)
    account = trader(database)
    operation = house.order("25.00", account)
    house.run(operation)
    house.stripe.pay(house.get(operation).reference or "")
    tell(house, events_of(house))
    assert house.status(operation) == "done", "no worker has looked yet"
    house.settle(days=0.1)
    assert house.balance(rules.available(account)) == "25.00"


def test_an_event_of_an_object_we_do_not_know_goes_to_suspense(database: Database) -> None:
    house = StripeHouse(database)
    client = house.stripe.in_process()
    customer = client.v1.customers.create({}).id
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer}).id
    client.v1.payment_intents.create(
        {
            "amount": 700, "currency": "usd", "customer": customer, "payment_method": method,
            "confirm": True, "off_session": True,
        }
    )  # fmt: skip
    tell(house, events_of(house))
    with database.reading() as session:
        assert set(session.scalars(select(InboxEvent.outcome))) <= {"unmatched", "ignored"}
    for _ in range(2):
        made = reconcile.reconcile(database, house.rail, clock=house.clock)
        assert (made.difference, made.in_flight) == (0, 0)
    assert house.balance(rules.SUSPENSE) == "7.00"
    assert broken(database) == []


def test_an_event_is_handled_once_and_tried_again_when_stripe_is_away(database: Database) -> None:
    from tests.fakes.stripe import Fault

    house = StripeHouse(database)
    operation = house.order("25.00", trader(database))
    house.run(operation)
    house.stripe.pay(house.get(operation).reference or "")
    charge = next(p["data"]["object"]["id"] for _, kind, p in events_of(house) if kind == "charge.succeeded")
    house.stripe.dispute(charge)
    events = [event for event in events_of(house) if event[1] == "charge.dispute.created"]
    house.stripe.faults.next("GET /v1/disputes/:id", Fault.OUTAGE)
    tell(house, events)
    with database.reading() as session:
        assert session.scalars(select(InboxEvent.handled_at)).one() is None
        assert inbox.due_events(session, house.clock()) == []
        house.clock.forward(timedelta(minutes=1))
        assert inbox.due_events(session, house.clock()) == [("stripe", events[0][0])]
    tell(house, events)
    with database.reading() as session:
        assert session.scalars(select(InboxEvent.outcome)).one() == "dispute"
    assert broken(database) == []


def test_an_event_that_nobody_sent_is_not_found(database: Database) -> None:
    with pytest.raises(errors.NotFound):
        inbox.handle(database, StripeHouse(database).rail, "stripe", "evt_none")


BODY = b'{"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {}}}'


@pytest.mark.parametrize("age_s", [-301, -3600, 301, 360])
def test_a_webhook_of_another_time_is_refused_in_the_past_and_in_the_future(
    database: Database, age_s: int
) -> None:
    now = StripeHouse(database).clock()
    header = signature(BODY, [SECRET], int(now.timestamp()) - age_s)
    with pytest.raises(errors.BadSignature, match="just now"):
        open_event(BODY, header, SECRET, now=now)


@pytest.mark.parametrize("age_s", [-299, 0, 299])
def test_a_webhook_of_now_is_opened_with_an_old_secret_beside_the_new_too(
    database: Database, age_s: int
) -> None:
    now = StripeHouse(database).clock()
    header = signature(BODY, ["whsec_new", SECRET], int(now.timestamp()) - age_s)
    assert open_event(BODY, header, SECRET, now=now).id == "evt_1"


@pytest.mark.parametrize(
    ("body", "header"),
    [(BODY + b" ", None), (BODY, "t=1"), (BODY, ""), (BODY, "v1=00"), (b"\xff", None), (BODY, "t=x,v1=y")],
)
def test_a_tampered_webhook_is_refused(database: Database, body: bytes, header: str | None) -> None:
    now = StripeHouse(database).clock()
    right = signature(BODY, [SECRET], int(now.timestamp()))
    with pytest.raises(errors.BadSignature):
        open_event(body, right if header is None else header, SECRET, now=now)


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b"1", b'{"id": 1, "type": "x"}', b'{"id": "", "type": "x"}', b"{"]
)
def test_a_signed_body_that_is_no_event_is_bad_input(database: Database, body: bytes) -> None:
    now = StripeHouse(database).clock()
    with pytest.raises(errors.BadInput):
        open_event(body, signature(body, [SECRET], int(now.timestamp())), SECRET, now=now)


@pytest.mark.parametrize(
    ("kind", "thing", "what"),
    [
        ("payment_intent.succeeded", {"metadata": {"operation": "ops_1"}}, What.OPERATION),
        ("payment_intent.succeeded", {"id": "pi_1", "metadata": {}}, What.MOVEMENT),
        ("payment_intent.succeeded", {"metadata": {"operation": 5}}, What.MOVEMENT),
        ("charge.dispute.created", {"id": "du_1"}, What.DISPUTE),
        ("account.updated", {"id": "acct_1"}, What.PAYEE),
        ("customer.created", {"id": "cus_1"}, What.NOTHING),
        ("payment_intent.succeeded", "no object", What.NOTHING),
        ("charge.refunded", {"id": "ch_1", "metadata": []}, What.MOVEMENT),
        ("charge.refunded", {"id": "ch_1", "metadata": "x"}, What.MOVEMENT),
    ],
)
def test_what_an_event_is_about(kind: str, thing: object, what: What) -> None:
    assert about(kind, {"data": {"object": thing}}).what is what


@pytest.mark.parametrize("data", [[], None, "x", 1])
def test_an_event_with_odd_data_is_about_nothing(data: object) -> None:
    assert about("charge.refunded", {"data": data}).what is What.NOTHING


def test_an_event_that_cannot_be_read_rests_longer_each_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = StripeHouse(database)

    def unreadable(_kind: str, _payload: object) -> None:
        raise ArithmeticError("odd")

    monkeypatch.setattr(house.rail, "about", unreadable)
    for attempts in (1, 2, 3):
        with pytest.raises(ArithmeticError):
            tell(house, [("evt_1", "charge.refunded", {})])
        with database.reading() as session:
            row = session.scalars(select(InboxEvent)).one()
            assert (row.attempts, row.due_at) == (attempts, house.clock() + rules.retry_after(attempts))


@pytest.mark.parametrize("header", ["t=+{old},t={now},{v1}", "t={old},t={now},{v1}", "t= {old},t={now},{v1}"])
def test_a_webhook_has_one_time(database: Database, header: str) -> None:
    """Signed a month ago: the SDK takes the first time in the header, whatever stands behind it."""
    now = int(StripeHouse(database).clock().timestamp())
    old = now - 30 * 86_400
    _, _, v1 = signature(BODY, [SECRET], old).partition(",")
    with pytest.raises(errors.BadSignature, match="just now"):
        open_event(BODY, header.format(old=old, now=now, v1=v1), SECRET, now=StripeHouse(database).clock())
