"""What only the fake has: its controls, its clock, and money that is never made from nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.stripe import FakeStripe, Misuse

CARD = {"currency": "usd", "confirm": True, "off_session": True}
LINE = {
    "price_data": {"currency": "usd", "unit_amount": 2500, "product_data": {"name": "Top-up"}},
    "quantity": 1,
}
VISIT = {"mode": "payment", "success_url": "https://example.com/paid", "line_items": [LINE]}
DAY = timedelta(days=1)


class Shop:
    """A fake on a clock that stands still, and the calls the tests make most."""

    def __init__(self, **more: Any) -> None:
        self.fake = FakeStripe(clock=lambda: datetime(2027, 1, 1, tzinfo=UTC), **more)
        self.v1: Any = self.fake.in_process().v1

    def paid(self, amount: int = 2000, card: str = "pm_card_visa", **more: Any) -> Any:
        return self.v1.payment_intents.create({"amount": amount, "payment_method": card} | CARD | more)

    def connected(self) -> str:
        made = self.v1.accounts.create(
            {"type": "express", "capabilities": {"transfers": {"requested": True}}}
        )
        self.fake.onboard(made.id)
        return str(made.id)

    def transferred(self, amount: int, account: str) -> Any:
        return self.v1.transfers.create({"amount": amount, "currency": "usd", "destination": account})

    def balance(self, account: str | None = None) -> tuple[int, int]:
        """What is available, and what is pending, in cents."""
        found = self.v1.balance.retrieve({}, {"stripe_account": account} if account else {})
        return found.available[0].amount, found.pending[0].amount

    def events(self, account: str | None = None) -> list[str]:
        """The types of all events, oldest first."""
        options = {"stripe_account": account} if account else {}
        page = self.v1.events.list({"limit": 100}, options)
        return [event.type for event in page.auto_paging_iter()][::-1]

    def sums_up(self) -> bool:
        """Every balance is the sum of its transactions, and all money has two ends."""
        for tenant in self.fake.world.tenants.values():
            self.fake.world.settled(tenant)
            booked = sum(one.net for one in tenant.transactions)
            if booked != tenant.wallet.available["usd"] + tenant.wallet.pending["usd"]:
                return False
        return self.fake.world.total("usd") == self.fake.world.in_flight("usd") == 0


@pytest.fixture
def shop() -> Shop:
    return Shop()


class TestClock:
    def test_money_becomes_available_after_two_days(self, shop: Shop) -> None:
        intent = shop.paid(2000, expand=["latest_charge.balance_transaction"])
        assert intent.latest_charge.balance_transaction.fee == 88
        assert shop.balance() == (0, 1912)
        shop.fake.advance(2 * DAY - timedelta(seconds=1))
        assert shop.balance() == (0, 1912)
        shop.fake.advance(timedelta(seconds=1))
        assert shop.balance() == (1912, 0)
        (money,) = shop.v1.balance_transactions.list({"source": intent.latest_charge.id}).data
        assert money.status == "available"

    def test_a_page_nobody_pays_expires_at_its_own_time(self, shop: Shop) -> None:
        session = shop.v1.checkout.sessions.create(VISIT)
        shop.fake.advance(3 * DAY)
        (event,) = shop.v1.events.list({"types": ["checkout.session.*"]}).data
        assert (event.type, event.created) == ("checkout.session.expired", session.expires_at)
        assert shop.v1.checkout.sessions.retrieve(session.id).status == "expired"
        with pytest.raises(Misuse):
            shop.fake.pay(session.id)

    def test_events_by_type(self, shop: Shop) -> None:
        shop.paid()

        def listed(**which: Any) -> list[str]:
            return [event.type for event in shop.v1.events.list(which).data]

        assert listed(type="charge.*") == listed(types=["charge.succeeded"]) == ["charge.succeeded"]
        assert listed(types=["charge.*", "payment_intent.*"]) == listed()
        assert listed(type="payment_intent.succeeded", limit=1) == ["payment_intent.succeeded"]
        assert listed(types=["refund.*"]) == []

    def test_events_are_kept_for_30_days(self, shop: Shop) -> None:
        shop.paid()
        old = shop.v1.events.list().data[0].id
        shop.fake.advance(31 * DAY)
        shop.v1.customers.create({})
        assert shop.events() == ["customer.created"]
        assert shop.v1.events.list({"types": ["charge.*"]}).data == []
        with pytest.raises(stripe.InvalidRequestError):
            shop.v1.events.retrieve(old)

    def test_the_same_calls_get_the_same_ids(self) -> None:
        first, second, other = Shop(), Shop(), Shop(seed="other")
        ids = [one.paid().id for one in (first, second, other)]
        assert ids[0] == ids[1] != ids[2]

    def test_a_charge_captured_later_has_no_balance_transaction_yet(self) -> None:
        shop = Shop(capture_delay=timedelta(minutes=10))
        late, now = shop.paid(), shop.paid(capture_method="automatic")
        assert shop.v1.charges.retrieve(late.latest_charge).balance_transaction is None
        assert shop.v1.charges.retrieve(now.latest_charge).balance_transaction is not None
        shop.fake.advance(timedelta(minutes=10))
        assert shop.v1.charges.retrieve(late.latest_charge).balance_transaction is not None
        assert shop.events()[-1] == "charge.updated"


class TestPayer:
    def test_a_human_pays_on_the_page(self, shop: Shop) -> None:
        customer = shop.v1.customers.create({"email": "a@example.com"})
        data = {"metadata": {"topup": "t_1"}, "setup_future_usage": "off_session"}
        session = shop.v1.checkout.sessions.create(
            VISIT | {"customer": customer.id, "payment_intent_data": data}
        )
        paid = shop.fake.pay(session.id)
        done = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
        assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
        assert (done.payment_intent.id, done.payment_intent.latest_charge.amount) == (paid, 2500)
        assert done.payment_intent.metadata["topup"] == "t_1"
        assert done.customer_details.email == "a@example.com"
        assert [one.id for one in shop.v1.checkout.sessions.list({"payment_intent": paid}).data] == [
            session.id
        ]
        shop.fake.advance(2 * DAY)
        assert shop.v1.checkout.sessions.retrieve(session.id).status == "complete"
        saved = shop.v1.payment_methods.list({"customer": customer.id}).data
        assert shop.paid(card=saved[0].id, customer=customer.id).status == "succeeded"
        assert shop.events()[1:6] == [
            "payment_intent.created",
            "payment_method.attached",
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.completed",
        ]

    def test_after_a_decline_the_page_stays_open(self, shop: Shop) -> None:
        session = shop.v1.checkout.sessions.create(VISIT | {"customer_creation": "always"})
        first = shop.fake.pay(session.id, "pm_card_chargeDeclined")
        assert shop.v1.checkout.sessions.retrieve(session.id).status == "open"
        assert "payment_intent.payment_failed" in shop.events()
        assert shop.fake.pay(session.id) == first
        assert shop.v1.checkout.sessions.retrieve(session.id).customer.startswith("cus_")
        with pytest.raises(Misuse):
            shop.fake.pay(session.id)

    def test_on_the_page_a_holder_can_be_asked(self, shop: Shop) -> None:
        session = shop.v1.checkout.sessions.create(VISIT)
        shop.fake.pay(session.id, "pm_card_authenticationRequired")
        assert shop.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"

    @pytest.mark.parametrize(("agrees", "status"), [(True, "succeeded"), (False, "requires_payment_method")])
    def test_the_holder_answers(self, shop: Shop, agrees: bool, status: str) -> None:
        intent = shop.paid(
            card="pm_card_authenticationRequired", off_session=False, return_url="https://a.example"
        )
        assert intent.next_action.redirect_to_url.return_url == "https://a.example"
        shop.fake.authenticate(intent.id, agrees=agrees)
        assert shop.v1.payment_intents.retrieve(intent.id).status == status
        with pytest.raises(Misuse):
            shop.fake.authenticate(intent.id)


class TestMoneyBack:
    def test_a_refund_fails_days_later(self, shop: Shop) -> None:
        charge = shop.paid(1000).latest_charge
        refund = shop.v1.refunds.create({"charge": charge, "amount": 400})
        assert shop.balance() == (0, 1000 - 59 - 400)
        shop.fake.advance(3 * DAY)
        shop.fake.fail_refund(refund.id)
        failed = shop.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
        assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
        assert failed.failure_balance_transaction.net == 400
        assert shop.balance() == (941, 0)
        assert shop.v1.charges.retrieve(charge).amount_refunded == 0
        assert shop.events()[-3:] == ["refund.updated", "refund.failed", "charge.refund.updated"]
        with pytest.raises(Misuse):
            shop.fake.fail_refund(refund.id)

    def test_a_card_whose_refunds_fail(self, shop: Shop) -> None:
        refund = shop.v1.refunds.create({"payment_intent": shop.paid(card="pm_card_refundFail").id})
        assert refund.status == "succeeded"
        shop.fake.advance(timedelta(minutes=2))
        assert shop.v1.refunds.retrieve(refund.id).status == "failed"

    @pytest.mark.parametrize(("outcome", "left"), [("won", 941 - 1500), ("lost", -59 - 1500)])
    def test_a_dispute(self, shop: Shop, outcome: str, left: int) -> None:
        charge = shop.paid(1000).latest_charge
        shop.fake.advance(3 * DAY)
        dispute = shop.v1.disputes.retrieve(shop.fake.dispute(charge))
        assert (dispute.amount, dispute.status, dispute.charge) == (1000, "needs_response", charge)
        assert [(one.amount, one.fee) for one in dispute.balance_transactions] == [(-1000, 1500)]
        assert shop.balance() == (-59 - 1500, 0)
        with pytest.raises(stripe.InvalidRequestError) as caught:
            shop.v1.refunds.create({"charge": charge})
        assert caught.value.code == "charge_disputed"
        shop.fake.close_dispute(dispute.id, outcome)
        assert shop.balance() == (left, 0)
        assert [one.id for one in shop.v1.disputes.list({"charge": charge}).data] == [dispute.id]
        closing = ["charge.dispute.funds_reinstated"] if outcome == "won" else []
        assert shop.events()[3:] == [
            "charge.dispute.created",
            "charge.dispute.funds_withdrawn",
            *closing,
            "charge.dispute.closed",
        ]
        with pytest.raises(Misuse):
            shop.fake.close_dispute(dispute.id, "won")
        if outcome == "won":
            assert shop.v1.refunds.create({"charge": charge}).amount == 1000

    def test_a_dispute_may_be_larger_than_the_payment(self, shop: Shop) -> None:
        dispute = shop.fake.dispute(shop.paid(1000).latest_charge, 1100)
        assert shop.v1.disputes.retrieve(dispute).amount == 1100
        assert shop.sums_up()

    def test_a_card_that_disputes_at_once(self, shop: Shop) -> None:
        intent = shop.paid(card="pm_card_createDispute")
        assert shop.v1.charges.retrieve(intent.latest_charge).disputed
        assert shop.events()[-3:-1] == ["payment_intent.succeeded", "charge.dispute.created"]


class TestConnect:
    def test_an_account_from_open_to_stopped(self, shop: Shop) -> None:
        shop.paid(5000, "pm_card_bypassPending")
        account = shop.connected()
        found = shop.v1.accounts.retrieve(account)
        assert (found.details_submitted, found.payouts_enabled) == (True, True)
        assert (found.capabilities.transfers, found.requirements.currently_due) == ("active", [])
        shop.fake.require(account, ["individual.verification.document"])
        assert shop.transferred(100, account).amount == 100
        shop.fake.disable(account, "requirements.past_due")
        found = shop.v1.accounts.retrieve(account)
        assert (found.payouts_enabled, found.requirements.disabled_reason) == (False, "requirements.past_due")
        assert found.requirements.past_due == ["individual.verification.document"]
        with pytest.raises(stripe.InvalidRequestError) as caught:
            shop.transferred(100, account)
        assert caught.value.code == "insufficient_capabilities_for_transfer"
        with pytest.raises(stripe.InvalidRequestError) as caught:
            shop.v1.payouts.create({"amount": 50, "currency": "usd"}, {"stripe_account": account})
        assert caught.value.code == "payouts_not_allowed"
        updates = shop.v1.events.list({"type": "account.updated"}, {"stripe_account": account}).data
        assert [event.account for event in updates] == [account] * 3

    def test_a_payout_fails_and_the_money_is_back(self, shop: Shop) -> None:
        shop.paid(5000, "pm_card_bypassPending")
        account, options = shop.connected(), {"stripe_account": ""}
        options["stripe_account"] = account
        shop.transferred(1000, account)
        with pytest.raises(stripe.InvalidRequestError) as caught:
            shop.v1.payouts.create({"amount": 1001, "currency": "usd"}, options)
        assert caught.value.code == "balance_insufficient"
        params = {"amount": 600, "currency": "usd", "metadata": {"payout": "p_1"}}
        payout = shop.v1.payouts.create(params, options)
        assert (payout.status, shop.balance(account)) == ("pending", (400, 0))
        shop.fake.settle_payout(payout.id, "paid")
        shop.fake.settle_payout(payout.id, "failed")
        failed = shop.v1.payouts.retrieve(payout.id, {}, options)
        assert (failed.status, failed.failure_code, failed.metadata["payout"]) == (
            "failed",
            "account_closed",
            "p_1",
        )
        assert shop.balance(account) == (1000, 0)
        assert shop.events(account)[-3:] == ["payout.created", "payout.paid", "payout.failed"]
        assert [one.id for one in shop.v1.payouts.list({"status": "failed"}, options).data] == [payout.id]
        assert shop.v1.payouts.list().data == []
        with pytest.raises(Misuse):
            shop.fake.settle_payout(payout.id, "paid")

    def test_what_an_account_no_longer_has_cannot_be_reversed(self, shop: Shop) -> None:
        shop.paid(5000, "pm_card_bypassPending")
        account = shop.connected()
        transfer = shop.transferred(1000, account)
        shop.v1.payouts.create({"amount": 800, "currency": "usd"}, {"stripe_account": account})
        with pytest.raises(stripe.InvalidRequestError) as caught:
            shop.v1.transfers.reversals.create(transfer.id)
        assert caught.value.code == "balance_insufficient"
        shop.v1.transfers.reversals.create(transfer.id, {"amount": 200})
        assert shop.balance(account) == (0, 0)
        share = shop.v1.charges.retrieve(transfer.destination_payment, {}, {"stripe_account": account})
        assert (share.amount, share.amount_refunded, share.source_transfer) == (1000, 200, transfer.id)


class TestRefusal:
    def test_what_the_fake_cannot_do_it_says(self, shop: Shop) -> None:
        for more in (
            {"capture_method": "manual"},
            {"statement_descriptor": "X"},
            {"transfer_data": {"destination": "a"}},
        ):
            with pytest.raises(stripe.APIError) as caught:
                shop.paid(**more)
            assert caught.value.http_status == 501

    def test_another_version_of_the_api_is_refused(self, shop: Shop) -> None:
        with pytest.raises(stripe.APIError, match="API version"):
            shop.v1.balance.retrieve({}, {"stripe_version": "2020-08-27"})

    def test_it_listens_only_as_a_context_manager(self, shop: Shop) -> None:
        with pytest.raises(Misuse):
            shop.fake.client()


STEP = st.tuples(
    st.sampled_from(
        ["pay", "refund", "fail", "dispute", "close", "transfer", "reverse", "payout", "settle", "wait"]
    ),
    st.integers(0, 5),
    st.integers(50, 3000),
)


def _step(shop: Shop, account: str, what: str, which: int, amount: int) -> None:
    def one(found: Any) -> str:
        data = found.data
        return str(data[which % len(data)].id) if data else "nothing"

    own = {"stripe_account": account}
    v1, fake = shop.v1, shop.fake
    steps: dict[str, Any] = {
        "pay": lambda: shop.paid(amount, ["pm_card_visa", "pm_card_bypassPending"][which % 2]),
        "refund": lambda: v1.refunds.create({"charge": one(v1.charges.list()), "amount": amount}),
        "fail": lambda: fake.fail_refund(one(v1.refunds.list())),
        "dispute": lambda: fake.dispute(one(v1.charges.list()), amount),
        "close": lambda: fake.close_dispute(one(v1.disputes.list()), ["won", "lost"][which % 2]),
        "transfer": lambda: shop.transferred(amount, account),
        "reverse": lambda: v1.transfers.reversals.create(one(v1.transfers.list()), {"amount": amount}),
        "payout": lambda: v1.payouts.create({"amount": amount, "currency": "usd"}, own),
        "settle": lambda: fake.settle_payout(one(v1.payouts.list({}, own)), ["paid", "failed"][which % 2]),
        "wait": lambda: fake.advance(timedelta(hours=amount)),
    }
    try:
        steps[what]()
    except (stripe.InvalidRequestError, Misuse):
        """Refused is fine; what was refused must not have moved money."""


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=25))
def test_no_money_is_made_from_nothing(steps: list[tuple[str, int, int]]) -> None:
    shop = Shop()
    account = shop.connected()
    for what, which, amount in steps:
        _step(shop, account, what, which, amount)
        assert shop.sums_up()
    listed = list(shop.v1.balance_transactions.list({"limit": 100}).auto_paging_iter())
    assert sum(one.net for one in listed) == sum(shop.balance())
