"""The contract's other half: Checkout, the balance, connected accounts, transfers."""

from __future__ import annotations

import time
from typing import Any

import pytest
import stripe

from tests.fakes.test_stripe_contract import Target, code_of, fresh, paid
from tests.fakes.test_stripe_contract import target as target  # noqa: PLC0414 - a fixture, shared

LINE = {
    "price_data": {"currency": "usd", "unit_amount": 2500, "product_data": {"name": "Top-up"}},
    "quantity": 1,
}
VISIT = {"mode": "payment", "success_url": "https://example.com/paid", "line_items": [LINE]}


class TestCheckout:
    def test_an_open_page(self, target: Target) -> None:
        customer = target.v1.customers.create({})
        session = target.v1.checkout.sessions.create(
            VISIT | {"customer": customer.id, "client_reference_id": "a_1", "metadata": {"topup": "t_1"}}
        )
        assert (session.object, session.mode, session.status) == ("checkout.session", "payment", "open")
        assert (session.payment_status, session.payment_intent) == ("unpaid", None)
        assert (session.amount_total, session.currency, session.livemode) == (2500, "usd", False)
        assert session.id.startswith("cs_test_")
        assert session.url.startswith("https://checkout.stripe.com/")
        assert (session.client_reference_id, session.metadata["topup"]) == ("a_1", "t_1")
        assert session.expires_at - session.created == pytest.approx(24 * 3600, abs=5)
        listed = target.v1.checkout.sessions.list({"customer": customer.id})
        assert [one.id for one in listed.data] == [session.id]

    def test_the_bill_is_shown_when_asked_for(self, target: Target) -> None:
        session = target.v1.checkout.sessions.create(VISIT)
        shown = target.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]})
        assert [line.amount_total for line in shown.line_items.data] == [2500]

    def test_a_page_expires_once(self, target: Target) -> None:
        session = target.v1.checkout.sessions.create(VISIT)
        closed = target.v1.checkout.sessions.expire(session.id)
        assert (closed.status, closed.url) == ("expired", None)
        with pytest.raises(stripe.InvalidRequestError):
            target.v1.checkout.sessions.expire(session.id)

    def test_a_page_lives_30_minutes_to_a_day(self, target: Target) -> None:
        for seconds in (60, 25 * 3600):
            with pytest.raises(stripe.InvalidRequestError) as caught:
                target.v1.checkout.sessions.create(VISIT | {"expires_at": int(time.time()) + seconds})
            assert caught.value.param == "expires_at"

    def test_a_bill_has_a_minimum(self, target: Target) -> None:
        cheap = LINE | {"price_data": {"currency": "usd", "unit_amount": 49, "product_data": {"name": "x"}}}
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.checkout.sessions.create(VISIT | {"line_items": [cheap]})
        assert code_of(caught.value) == "amount_too_small"

    def test_what_is_missing_deep_inside_is_named(self, target: Target) -> None:
        bare = {"price_data": {"unit_amount": 2500, "product_data": {"name": "x"}}, "quantity": 1}
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.checkout.sessions.create(VISIT | {"line_items": [bare]})
        assert caught.value.param == "line_items[0][price_data][currency]"


class TestBalance:
    def test_its_shape(self, target: Target) -> None:
        balance = target.v1.balance.retrieve()
        assert (balance.object, balance.livemode) == ("balance", False)
        for funds in (*balance.available, *balance.pending):
            assert isinstance(funds.amount, int)
            assert len(funds.currency) == 3

    def test_a_charge_is_pending_at_first(self, target: Target) -> None:
        charge = paid(target, 1500).latest_charge
        (money,) = target.v1.balance_transactions.list({"source": charge}).data
        assert (money.type, money.reporting_category, money.status) == ("charge", "charge", "pending")
        assert money.available_on > money.created
        assert [fee.type for fee in money.fee_details] == ["stripe_fee"]
        assert target.v1.balance_transactions.retrieve(money.id).net == 1500 - money.fee

    def test_one_card_pays_into_the_available_balance(self, target: Target) -> None:
        intent = paid(
            target, 1500, card="pm_card_bypassPending", expand=["latest_charge.balance_transaction"]
        )
        assert intent.latest_charge.balance_transaction.status == "available"


def opened(target: Target) -> Any:
    try:
        return target.v1.accounts.create(
            {"type": "express", "country": "US", "email": "c@example.com", "metadata": {"contributor": "c_1"}}
            | {"capabilities": {"transfers": {"requested": True}}}
        )
    except stripe.InvalidRequestError as error:
        if "signed up for Connect" in str(error):
            pytest.skip("this real account is not signed up for Connect")
        raise


class TestAccounts:
    def test_a_new_account_may_do_nothing_yet(self, target: Target) -> None:
        account = target.v1.accounts.retrieve(opened(target).id)
        assert (account.object, account.type, account.country) == ("account", "express", "US")
        assert (account.details_submitted, account.payouts_enabled) == (False, False)
        assert account.capabilities.transfers == "inactive"
        assert account.requirements.currently_due
        assert account.requirements.disabled_reason
        assert account.metadata["contributor"] == "c_1"

    def test_a_link_to_fill_it_in(self, target: Target) -> None:
        link = target.v1.account_links.create(
            {"account": opened(target).id, "type": "account_onboarding"}
            | {"refresh_url": "https://example.com/again", "return_url": "https://example.com/done"}
        )
        assert link.object == "account_link"
        assert link.url.startswith("https://connect.stripe.com/")
        assert link.expires_at > link.created

    def test_an_account_of_somebody_else(self, target: Target) -> None:
        with pytest.raises(stripe.PermissionError) as caught:
            target.v1.accounts.retrieve("acct_1nothing00000000")
        assert caught.value.http_status == 403

    def test_an_account_that_may_not_be_paid(self, target: Target) -> None:
        paid(target, 1000, card="pm_card_bypassPending")
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.transfers.create({"amount": 100, "currency": "usd", "destination": opened(target).id})
        assert code_of(caught.value) == "insufficient_capabilities_for_transfer"


class TestTransfers:
    def test_money_goes_over_and_comes_back(self, target: Target) -> None:
        account, group = target.connected(), fresh("group")
        paid(target, 5000, card="pm_card_bypassPending")
        params = {"amount": 700, "currency": "usd", "destination": account, "transfer_group": group}
        transfer = target.v1.transfers.create(params | {"metadata": {"payout": "p_1"}})
        assert (transfer.amount, transfer.destination, transfer.reversed) == (700, account, False)
        (listed,) = target.v1.transfers.list({"transfer_group": group, "destination": account}).data
        assert (listed.id, listed.metadata["payout"]) == (transfer.id, "p_1")
        (money,) = target.v1.balance_transactions.list({"source": transfer.id}).data
        assert (money.type, money.net) == ("transfer", -700)
        part = target.v1.transfers.reversals.create(transfer.id, {"amount": 200})
        assert (part.object, part.amount, part.transfer) == ("transfer_reversal", 200, transfer.id)
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.transfers.reversals.create(transfer.id, {"amount": 600})
        assert caught.value.param == "amount"
        after = target.v1.transfers.retrieve(transfer.id)
        assert (after.amount_reversed, after.reversed) == (200, False)
        assert [one.id for one in target.v1.transfers.reversals.list(transfer.id).data] == [part.id]

    def test_more_than_there_is(self, target: Target) -> None:
        account = target.connected()
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.transfers.create({"amount": 99_999_999, "currency": "usd", "destination": account})
        assert code_of(caught.value) == "balance_insufficient"

    def test_to_nobody(self, target: Target) -> None:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            target.v1.transfers.create(
                {"amount": 100, "currency": "usd", "destination": "acct_1nothing00000000"}
            )
        assert code_of(caught.value) == "resource_missing"

    def test_from_a_charge_before_its_money_is_available(self, target: Target) -> None:
        account, charge = target.connected(), paid(target, 1000).latest_charge
        params = {"currency": "usd", "destination": account, "source_transaction": charge}
        transfer = target.v1.transfers.create(params | {"amount": 600})
        assert (transfer.source_transaction, bool(transfer.transfer_group)) == (charge, True)
        with pytest.raises(stripe.InvalidRequestError):
            target.v1.transfers.create(params | {"amount": 600})

    def test_the_account_sees_its_own_balance(self, target: Target) -> None:
        account = target.connected()
        paid(target, 5000, card="pm_card_bypassPending")
        options = {"stripe_account": account}

        def available() -> int:
            funds = target.v1.balance.retrieve({}, options).available
            return sum(one.amount for one in funds if one.currency == "usd")

        before = available()
        target.v1.transfers.create({"amount": 700, "currency": "usd", "destination": account})
        assert available() == before + 700
