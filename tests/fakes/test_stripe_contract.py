"""What holds at Stripe holds at the fake: one suite, through the official SDK, over every target.

With `STRIPE_TEST_KEY` set it runs against Stripe's test mode as well. What a test needs and a target
lacks is skipped with the reason.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import stripe

from tests.fakes.stripe import FakeStripe

REAL_KEY = os.environ.get("STRIPE_TEST_KEY", "")
CARD = {"currency": "usd", "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}


@dataclass
class Target:
    """A Stripe to test.

    Args:
        onboarded: gives a connected account that takes transfers, or None where none can be had.
    """

    client: stripe.StripeClient
    another: Callable[[str], stripe.StripeClient]
    onboarded: Callable[[], str | None]

    @property
    def v1(self) -> Any:
        return self.client.v1

    def connected(self) -> str:
        account = self.onboarded()
        if account is None:
            pytest.skip(
                "real Stripe has no onboarding by API: name an onboarded account in STRIPE_TEST_ACCOUNT"
            )
        return account


def _fake_account(fake: FakeStripe, client: stripe.StripeClient) -> str:
    account = client.v1.accounts.create(
        {"type": "express", "country": "US", "capabilities": {"transfers": {"requested": True}}}
    )
    fake.onboard(account.id)
    return account.id


@pytest.fixture(
    params=[
        "http",
        "in_process",
        *([pytest.param("real", marks=pytest.mark.enable_socket)] if REAL_KEY else []),
    ]
)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    if request.param == "real":
        assert REAL_KEY.startswith(("sk_test_", "rk_test_")), "never with a live key"
        real = stripe.StripeClient(REAL_KEY, max_network_retries=2)
        yield Target(real, stripe.StripeClient, lambda: os.environ.get("STRIPE_TEST_ACCOUNT"))
        return
    fake = FakeStripe()
    if request.param == "in_process":
        client = fake.in_process()
        yield Target(client, lambda key: fake.in_process(key=key), lambda: _fake_account(fake, client))
        return
    with fake:
        over_http = fake.client()
        yield Target(over_http, lambda key: fake.client(key=key), lambda: _fake_account(fake, over_http))


def fresh(word: str) -> str:
    """A value no other run uses."""
    return f"{word}-{uuid.uuid4()}"


def eventually(found: Callable[[], bool]) -> bool:
    """Real Stripe writes events a moment after the answer."""
    for _ in range(20):
        if found():
            return True
        time.sleep(0.5 if REAL_KEY else 0)
    return False


def paid(target: Target, amount: int = 2000, *, card: str = "pm_card_visa", **more: Any) -> Any:
    return target.v1.payment_intents.create(
        {"amount": amount, "payment_method": card, "confirm": True, "capture_method": "automatic"}
        | CARD
        | more
    )


def code_of(error: stripe.StripeError) -> str | None:
    return error.code


class TestIdempotency:
    def test_the_first_answer_is_replayed(self, target: Target) -> None:
        options = {"idempotency_key": fresh("same")}
        first = target.v1.customers.create({"email": "a@example.com"}, options)
        again = target.v1.customers.create({"email": "a@example.com"}, options)
        assert again.id == first.id
        assert again.last_response.headers["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first.last_response.headers

    def test_a_key_with_other_parameters_is_refused(self, target: Target) -> None:
        options = {"idempotency_key": fresh("other")}
        target.v1.customers.create({"email": "a@example.com"}, options)
        with pytest.raises(stripe.IdempotencyError) as caught:
            target.v1.customers.create({"email": "b@example.com"}, options)
        assert caught.value.http_status == 400

    def test_a_key_at_another_endpoint_is_refused(self, target: Target) -> None:
        options = {"idempotency_key": fresh("endpoint")}
        first, second = (target.v1.payment_intents.create({"amount": 100} | CARD) for _ in range(2))
        target.v1.payment_intents.cancel(first.id, {}, options)
        with pytest.raises(stripe.IdempotencyError):
            target.v1.payment_intents.cancel(second.id, {}, options)
        assert target.v1.payment_intents.retrieve(second.id).status == "requires_payment_method"

    def test_a_request_that_was_not_valid_does_not_use_its_key_up(self, target: Target) -> None:
        options = {"idempotency_key": fresh("invalid")}
        with pytest.raises(stripe.InvalidRequestError):
            target.v1.payment_intents.create({"amount": 100}, options)
        assert target.v1.payment_intents.create({"amount": 100} | CARD, options).amount == 100

    def test_a_decline_is_an_answer_and_is_replayed(self, target: Target) -> None:
        options = {"idempotency_key": fresh("decline")}
        params = {"amount": 900, "payment_method": "pm_card_chargeDeclined", "confirm": True} | CARD
        intents = []
        for _ in range(2):
            with pytest.raises(stripe.CardError) as caught:
                target.v1.payment_intents.create(params, options)
            body: Any = caught.value.json_body
            intents.append(body["error"]["payment_intent"]["id"])
        assert intents[0] == intents[1]


class TestParameters:
    def test_an_unknown_parameter_is_refused(self, target: Target) -> None:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.customers.create({"e_mail": "a@example.com"})
        assert (code_of(caught.value), caught.value.param) == ("parameter_unknown", "e_mail")

    def test_a_missing_parameter_is_named(self, target: Target) -> None:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.payment_intents.create({"amount": 500})
        assert (code_of(caught.value), caught.value.param) == ("parameter_missing", "currency")

    def test_an_amount_is_a_whole_number(self, target: Target) -> None:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.payment_intents.create({"amount": "9.99"} | CARD)
        assert (code_of(caught.value), caught.value.param) == ("parameter_invalid_integer", "amount")

    def test_yes_is_no_boolean(self, target: Target) -> None:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.payment_intents.create({"amount": 500, "confirm": "yes"} | CARD)
        assert caught.value.param == "confirm"

    def test_an_empty_value_that_cannot_be_unset_is_refused(self, target: Target) -> None:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.payment_intents.create({"amount": 500} | CARD | {"currency": ""})
        assert code_of(caught.value) == "parameter_invalid_empty"

    @pytest.mark.parametrize("limit", [0, 101])
    def test_a_page_holds_1_to_100(self, target: Target, limit: int) -> None:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.charges.list({"limit": limit})
        assert (code_of(caught.value), caught.value.param) == ("parameter_invalid_integer", "limit")

    def test_what_is_no_reference_cannot_be_expanded(self, target: Target) -> None:
        with pytest.raises(stripe.InvalidRequestError):
            target.v1.customers.create({"expand": ["email"]})

    def test_an_id_that_names_nothing_is_404(self, target: Target) -> None:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.payment_intents.retrieve("pi_nothing")
        assert (code_of(caught.value), caught.value.http_status) == ("resource_missing", 404)

    def test_a_parameter_that_names_nothing_is_400(self, target: Target) -> None:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.payment_intents.create({"amount": 500, "customer": "cus_nothing"} | CARD)
        error = caught.value
        assert (code_of(error), error.http_status, error.param) == ("resource_missing", 400, "customer")

    def test_a_wrong_key_is_401(self, target: Target) -> None:
        with pytest.raises(stripe.AuthenticationError) as caught:
            target.another("sk_test_wrong").v1.balance.retrieve()
        assert caught.value.http_status == 401

    def test_metadata_comes_back(self, target: Target) -> None:
        made = target.v1.customers.create({"metadata": {"account": "a_1", "note": "ü & = [x]"}})
        found = target.v1.customers.retrieve(made.id)
        assert found.metadata.to_dict() == {"account": "a_1", "note": "ü & = [x]"}
        assert (found.object, found.livemode) == ("customer", False)

    def test_metadata_has_limits(self, target: Target) -> None:
        with pytest.raises(stripe.InvalidRequestError):
            target.v1.customers.create({"metadata": {"k": "v" * 501}})
        with pytest.raises(stripe.InvalidRequestError):
            target.v1.customers.create({"metadata": {"k" * 41: "v"}})
        with pytest.raises(stripe.InvalidRequestError):
            target.v1.customers.create({"metadata": {f"k{number}": "v" for number in range(51)}})


class TestPayments:
    def test_a_card_pays(self, target: Target) -> None:
        intent = paid(target, 2000, expand=["latest_charge.balance_transaction"], metadata={"topup": "t_1"})
        charge = intent.latest_charge
        money = charge.balance_transaction
        assert (intent.status, intent.amount_received, charge.amount) == ("succeeded", 2000, 2000)
        assert (charge.paid, charge.amount_refunded, charge.disputed) == (True, 0, False)
        assert (money.amount, money.net, money.source) == (2000, 2000 - money.fee, charge.id)
        assert money.fee > 0
        assert target.v1.payment_intents.retrieve(intent.id).metadata["topup"] == "t_1"

    def test_a_saved_card_pays_while_its_holder_is_away(self, target: Target) -> None:
        customer = target.v1.customers.create({})
        card = target.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        assert card.customer == customer.id
        intent = paid(target, card=card.id, customer=customer.id, off_session=True)
        assert (intent.status, intent.customer, intent.payment_method) == ("succeeded", customer.id, card.id)

    def test_a_card_is_saved_for_later(self, target: Target) -> None:
        customer = target.v1.customers.create({})
        intent = paid(target, customer=customer.id, setup_future_usage="off_session")
        assert target.v1.payment_methods.retrieve(intent.payment_method).customer == customer.id

    def test_a_saved_card_does_not_pay_for_another_customer(self, target: Target) -> None:
        owner, other = target.v1.customers.create({}), target.v1.customers.create({})
        card = target.v1.payment_methods.attach("pm_card_visa", {"customer": owner.id})
        with pytest.raises(stripe.InvalidRequestError):
            paid(target, card=card.id, customer=other.id)

    def test_a_charge_has_a_minimum(self, target: Target) -> None:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.payment_intents.create({"amount": 49} | CARD)
        assert code_of(caught.value) == "amount_too_small"

    def test_a_declined_card(self, target: Target) -> None:
        with pytest.raises(stripe.CardError) as caught:
            paid(target, card="pm_card_chargeDeclined")
        body: Any = caught.value.json_body
        error = body["error"]
        assert caught.value.http_status == 402
        assert (error["type"], error["code"], error["decline_code"]) == (
            "card_error",
            "card_declined",
            "generic_decline",
        )
        intent = target.v1.payment_intents.retrieve(error["payment_intent"]["id"])
        assert (intent.status, intent.amount_received) == ("requires_payment_method", 0)
        assert intent.last_payment_error.code == "card_declined"
        charge = target.v1.charges.retrieve(error["charge"])
        assert (charge.status, charge.paid, charge.balance_transaction) == ("failed", False, None)

    def test_after_a_decline_another_card_may_pay(self, target: Target) -> None:
        intent = target.v1.payment_intents.create({"amount": 700} | CARD)
        with pytest.raises(stripe.CardError):
            target.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_chargeDeclined"})
        assert (
            target.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}).status
            == "succeeded"
        )

    def test_a_declining_card_is_not_saved(self, target: Target) -> None:
        customer = target.v1.customers.create({})
        with pytest.raises(stripe.CardError) as caught:
            target.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer.id})
        assert code_of(caught.value) == "card_declined"

    def test_a_card_that_asks_its_holder_does_not_pay_while_they_are_away(self, target: Target) -> None:
        customer = target.v1.customers.create({})
        card = target.v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": customer.id})
        with pytest.raises(stripe.CardError) as caught:
            paid(target, card=card.id, customer=customer.id, off_session=True)
        assert code_of(caught.value) == "authentication_required"

    def test_a_card_that_asks_its_holder_waits_for_them(self, target: Target) -> None:
        intent = paid(target, card="pm_card_authenticationRequired")
        assert (intent.status, intent.amount_received) == ("requires_action", 0)
        assert intent.next_action is not None

    def test_nothing_to_pay_with(self, target: Target) -> None:
        intent = target.v1.payment_intents.create({"amount": 700} | CARD)
        assert intent.status == "requires_payment_method"
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.payment_intents.confirm(intent.id)
        assert code_of(caught.value) == "payment_intent_unexpected_state"

    def test_a_canceled_payment_stays_canceled(self, target: Target) -> None:
        intent = target.v1.payment_intents.create({"amount": 700} | CARD)
        assert target.v1.payment_intents.cancel(intent.id).status == "canceled"
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
        assert code_of(caught.value) == "payment_intent_unexpected_state"

    def test_a_paid_one_cannot_be_canceled(self, target: Target) -> None:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.payment_intents.cancel(paid(target).id)
        assert code_of(caught.value) == "payment_intent_unexpected_state"

    def test_what_happened_is_an_event(self, target: Target) -> None:
        intent = paid(target)

        def found() -> bool:
            page = target.v1.events.list({"types": ["payment_intent.succeeded"], "limit": 20})
            return any(event.data.object["id"] == intent.id for event in page.data)

        assert eventually(found)


class TestLists:
    def test_newest_first_page_by_page(self, target: Target) -> None:
        customer = target.v1.customers.create({})
        params = {"amount": 500, "customer": customer.id} | CARD
        made = [target.v1.payment_intents.create(params).id for _ in range(3)]
        first = target.v1.payment_intents.list({"customer": customer.id, "limit": 2})
        assert [one.id for one in first.data] == [made[2], made[1]]
        assert (first.object, first.has_more, first.url) == ("list", True, "/v1/payment_intents")
        rest = target.v1.payment_intents.list({"customer": customer.id, "starting_after": made[1]})
        assert ([one.id for one in rest.data], rest.has_more) == ([made[0]], False)
        whole = target.v1.payment_intents.list({"customer": customer.id, "limit": 3})
        assert (len(whole.data), whole.has_more) == (3, False)
        back = target.v1.payment_intents.list({"customer": customer.id, "ending_before": made[0], "limit": 1})
        assert ([one.id for one in back.data], back.has_more) == ([made[1]], True)
        assert [one.id for one in first.auto_paging_iter()] == made[::-1]

    def test_by_time(self, target: Target) -> None:
        customer = target.v1.customers.create({})
        intent = target.v1.payment_intents.create({"amount": 500, "customer": customer.id} | CARD)

        def listed(created: Any) -> int:
            page = target.v1.payment_intents.list({"customer": customer.id, "created": created})
            return len(page.data)

        assert listed({"gte": intent.created, "lte": intent.created}) == 1
        assert listed({"gt": intent.created}) == listed({"lt": intent.created}) == 0

    def test_a_cursor_must_exist(self, target: Target) -> None:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.refunds.list({"starting_after": "re_nothing"})
        assert code_of(caught.value) == "resource_missing"


class TestRefunds:
    def test_never_more_than_the_charge(self, target: Target) -> None:
        intent = paid(target, 1000)
        refund = target.v1.refunds.create(
            {"payment_intent": intent.id, "amount": 300, "metadata": {"r": "1"}}
        )
        assert (refund.amount, refund.status, refund.payment_intent) == (300, "succeeded", intent.id)
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.refunds.create({"payment_intent": intent.id, "amount": 900})
        assert caught.value.param == "amount"
        assert target.v1.refunds.create({"payment_intent": intent.id}).amount == 700
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.refunds.create({"payment_intent": intent.id, "amount": 1})
        assert code_of(caught.value) == "charge_already_refunded"
        charge = target.v1.charges.retrieve(intent.latest_charge)
        assert (charge.amount_refunded, charge.refunded) == (1000, True)
        listed = target.v1.refunds.list({"payment_intent": intent.id})
        assert [one.amount for one in listed.data] == [700, 300]
        assert listed.data[1].metadata["r"] == "1"

    def test_the_fee_is_not_given_back(self, target: Target) -> None:
        intent = paid(target, 1000)
        refund = target.v1.refunds.create({"payment_intent": intent.id, "expand": ["balance_transaction"]})
        money = refund.balance_transaction
        assert (money.type, money.amount, money.fee, money.net) == ("refund", -1000, 0, -1000)

    def test_nothing_was_paid(self, target: Target) -> None:
        intent = target.v1.payment_intents.create({"amount": 700} | CARD)
        with pytest.raises(stripe.InvalidRequestError):
            target.v1.refunds.create({"payment_intent": intent.id})
