"""The Stripe rail: deposits by Checkout or a saved card, refunds, Connect transfers and bank payouts.

| order | at Stripe | found again by |
|---|---|---|
| deposit by `checkout` | a Checkout Session; waits for its payer | the customer's sessions, by metadata |
| deposit by `saved` | a PaymentIntent, confirmed off session | the customer's intents, by metadata |
| refund | a Refund of the deposit's PaymentIntent | the intent's refunds, by metadata |
| payout | a Transfer to the contributor's connected account | its transfer group |
| bank payout | a Payout of the connected account | the account's payouts, by metadata |
| reversal | a reversal of the Transfer | the transfer's reversals, by metadata |

Every create carries the operation's id as idempotency key and in `metadata.operation`. Stripe may forget
a key after 24 hours, the metadata it keeps: so an unknown outcome is looked up by metadata and not sent
again. Cents exist only here. Platform payouts are manual (Stripe: separate charges and transfers).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import stripe

from core.db import Database
from core.errors import Unavailable
from core.money import Money
from payments.rails import About, Answer, DisputeFacts, Movement, Order, Outcome, stripe_events
from payments.rails.stripe_books import Books
from payments.rails.stripe_objects import deposit_done, intent_of, refunded, sent_on, session_answer
from payments.rails.stripe_people import People
from payments.rules import CENT, Method, OperationKind

Found: TypeAlias = Answer | None
Known = TypeVar("Known", Answer, Found)
MOST_LISTED = 300  # objects of one customer or account that a look-up reads, newest first


class StripeRail:
    """Stripe, through its official SDK. Safe between threads: its only state is in the database.

    Args:
        database: where it keeps who is who at Stripe (`rail_accounts`), in transactions of its own.
        client: an SDK client with its key, version and retries.
        return_url: where Checkout sends a payer back to.
    """

    name = "stripe"
    kinds = frozenset(OperationKind)

    def __init__(self, database: Database, client: stripe.StripeClient, *, return_url: str) -> None:
        self._v1 = client.v1
        self._return_url = return_url
        self.people = People(database, client)
        self._books = Books(client)

    def about(self, kind: str, payload: Mapping[str, Any]) -> About:
        """See `Provider`."""
        return stripe_events.about(kind, payload)

    def dispute(self, dispute: str) -> DisputeFacts:
        """See `Provider`."""
        return self._books.dispute(dispute)

    def payee_changed(self, payee: str) -> None:
        """See `Provider`."""
        account = self.people.account_of(payee)
        if account is None:
            return
        try:
            self.people.refresh(account)
        except stripe.StripeError as error:
            raise Unavailable("Stripe does not tell that account now") from error

    def payee_link(self, account: str) -> str:
        """A page where a contributor tells Stripe who it is. Raises Unavailable."""
        try:
            return self.people.onboarding_url(account, return_url=self._return_url)
        except stripe.StripeError as error:
            raise Unavailable("Stripe gives no page now") from error

    def movements(self, since: datetime) -> Iterable[Movement]:
        """See `Provider`."""
        return self._books.movements(since)

    def cash(self) -> int:
        """See `Provider`."""
        return self._books.cash()

    def send(self, order: Order) -> Answer:
        """See `Rail`."""
        sends: dict[OperationKind, Callable[[Order], Answer]] = {
            OperationKind.DEPOSIT: self._charge if order.method is Method.SAVED else self._open_checkout,
            OperationKind.REFUND: self._refund,
            OperationKind.PAYOUT: self._transfer,
            OperationKind.BANK_PAYOUT: self._pay_bank,
            OperationKind.REVERSAL: self._reverse,
        }
        return _told(lambda: sends[order.kind](order))

    def look_up(self, order: Order) -> Found:
        """See `Rail`."""
        looks: dict[OperationKind, Callable[[Order], Found]] = {
            OperationKind.DEPOSIT: self._find_charge if order.method is Method.SAVED else self._find_checkout,
            OperationKind.REFUND: self._find_refund,
            OperationKind.PAYOUT: self._find_transfer,
            OperationKind.BANK_PAYOUT: self._find_bank_payout,
            OperationKind.REVERSAL: self._find_reversal,
        }
        return _told(lambda: looks[order.kind](order), looking=True)

    # Deposits

    def _open_checkout(self, order: Order) -> Answer:
        customer = self.people.customer(order.account)
        session = self._v1.checkout.sessions.create(
            {
                "mode": "payment",
                "customer": customer,
                "client_reference_id": order.id,
                "line_items": [
                    {
                        "quantity": 1,
                        "price_data": {
                            "currency": "usd",
                            "unit_amount": cents(order.amount),
                            "product_data": {"name": "Spotcheck balance"},
                        },
                    }
                ],
                "metadata": {"operation": order.id},
                "payment_intent_data": {
                    "metadata": {"operation": order.id},
                    "setup_future_usage": "off_session",
                },
                "success_url": self._return_url,
                "cancel_url": self._return_url,
            },
            {"idempotency_key": order.id},
        )
        return Answer(Outcome.WAITING, reference=session.id, url=session.url)

    def _find_checkout(self, order: Order) -> Found:
        if order.reference is not None and order.reference.startswith("pi_"):
            return self._intent(order.reference)
        session = self._checkout_of(order)
        if session is None:
            return None
        if session.payment_intent is None:
            return session_answer(session)
        intent = self._v1.payment_intents.retrieve(_id(session.payment_intent), _WITH_FEE)
        if intent.status == "succeeded" and intent.payment_method is not None:
            self.people.keep_method(order.account, _id(intent.payment_method))
        return session_answer(session, intent)

    def _checkout_of(self, order: Order) -> Any:
        if order.reference is not None and order.reference.startswith("cs_"):
            return self._v1.checkout.sessions.retrieve(order.reference)
        customer = self.people.known_customer(order.account)
        if customer is None:
            return None
        return _mine(order, self._v1.checkout.sessions.list({"customer": customer, "limit": 100}))

    def _charge(self, order: Order) -> Answer:
        customer, method = self.people.payer(order.account)
        if customer is None or method is None:
            return Answer(Outcome.FAILED, reason="no_saved_method")
        try:
            intent = self._create_charge(order, customer, method)
        except stripe.CardError as error:
            failed = Answer(Outcome.FAILED, reason=_code(error, "declined"))
            refused = intent_of(error)
            return failed if refused is None else self._surely(refused, failed)
        return self._surely(intent, deposit_done(intent))

    def _create_charge(self, order: Order, customer: str, method: str) -> stripe.PaymentIntent:
        return self._v1.payment_intents.create(
            {
                "amount": cents(order.amount),
                "currency": "usd",
                "customer": customer,
                "payment_method": method,
                "off_session": True,
                "confirm": True,
                "capture_method": "automatic",
                "metadata": {"operation": order.id},
                **_WITH_FEE,  # type: ignore[typeddict-item]  # one key, the same in every params type
            },
            {"idempotency_key": order.id},
        )

    def _surely(self, intent: Any, answer: Answer) -> Answer:
        """The answer; a failed payment is cancelled before it is called so: else it might be paid after all.

        Where it cannot be cancelled any more, what it is now counts. (That of a Checkout Session only Stripe
        may cancel, and does.)
        """
        if answer.outcome is not Outcome.FAILED or intent.status == "canceled":
            return answer
        try:
            self._v1.payment_intents.cancel(intent.id)
        except stripe.InvalidRequestError:
            now = self._v1.payment_intents.retrieve(intent.id, _WITH_FEE)
            over = now.status in ("canceled", "succeeded")
            return deposit_done(now) if over else _unsure("not_cancelled")
        return answer

    def _find_charge(self, order: Order) -> Found:
        if order.reference is not None:
            return self._intent(order.reference)
        customer = self.people.known_customer(order.account)
        if customer is None:
            return None
        found = _mine(order, self._v1.payment_intents.list({"customer": customer, "limit": 100}))
        return self._intent(found.id) if found is not None else None

    def _intent(self, name: str) -> Answer:
        intent = self._v1.payment_intents.retrieve(name, _WITH_FEE)
        return self._surely(intent, deposit_done(intent))

    # Refunds of deposits

    def _refund(self, order: Order) -> Answer:
        if order.of is None:
            return Answer(Outcome.FAILED, reason="no_deposit")
        made = self._v1.refunds.create(
            {
                "payment_intent": order.of,
                "amount": cents(order.amount),
                "metadata": {"operation": order.id},
            },
            {"idempotency_key": order.id},
        )
        return refunded(made)

    def _find_refund(self, order: Order) -> Found:
        if order.of is None:
            return None
        found = _mine(order, self._v1.refunds.list({"payment_intent": order.of, "limit": 100}))
        return refunded(found) if found is not None else None

    # Earnings: a transfer, then the connected account's payout to its bank; back by a reversal

    def _transfer(self, order: Order) -> Answer:
        destination = self.people.destination(order.account)
        if destination is None:
            return Answer(Outcome.FAILED, reason="no_destination")
        made = self._v1.transfers.create(
            {
                "amount": cents(order.amount),
                "currency": "usd",
                "destination": destination,
                "transfer_group": order.id,
                "metadata": {"operation": order.id},
            },
            {"idempotency_key": order.id},
        )
        return Answer(Outcome.DONE, reference=made.id)

    def _find_transfer(self, order: Order) -> Found:
        found = _mine(order, self._v1.transfers.list({"transfer_group": order.id, "limit": 100}))
        return Answer(Outcome.DONE, reference=found.id) if found is not None else None

    def _pay_bank(self, order: Order) -> Answer:
        destination = self.people.known_destination(order.account)
        if destination is None:
            return Answer(Outcome.FAILED, reason="no_destination")
        made = self._v1.payouts.create(
            {"amount": cents(order.amount), "currency": "usd", "metadata": {"operation": order.id}},
            {"idempotency_key": order.id, "stripe_account": destination},
        )
        return sent_on(made)

    def _find_bank_payout(self, order: Order) -> Found:
        destination = self.people.known_destination(order.account)
        if destination is None:
            return None
        listed = self._v1.payouts.list({"limit": 100}, {"stripe_account": destination})
        found = _mine(order, listed)
        return sent_on(found) if found is not None else None

    def _reverse(self, order: Order) -> Answer:
        if order.of is None:
            return Answer(Outcome.FAILED, reason="no_transfer")
        made = self._v1.transfers.reversals.create(
            order.of,
            {"amount": cents(order.amount), "metadata": {"operation": order.id}},
            {"idempotency_key": order.id},
        )
        return Answer(Outcome.DONE, reference=made.id)

    def _find_reversal(self, order: Order) -> Found:
        if order.of is None:
            return None
        found = _mine(order, self._v1.transfers.reversals.list(order.of, {"limit": 100}))
        return Answer(Outcome.DONE, reference=found.id) if found is not None else None


_WITH_FEE: Any = {"expand": ["latest_charge.balance_transaction"]}


def cents(amount: Money) -> int:
    """Whole cents. Raises ValueError for an amount with a part of one: it must be refused earlier."""
    whole, rest = divmod(amount.micros, CENT.micros)
    if rest:
        raise ValueError(f"{amount} is no whole number of cents")
    return whole


def _id(thing: Any) -> str:
    """An object's id, whether the API gave the object or only its id."""
    return thing if isinstance(thing, str) else str(thing.id)


def _mine(order: Order, listed: Any) -> Any:
    """The one object of a listing that was made for this order; None when the listing has none.

    Raises:
        _TooMany: the listing goes on beyond what is read, so that its absence is not sure.
    """
    for count, thing in enumerate(listed.auto_paging_iter()):
        if count >= MOST_LISTED:
            raise _TooMany
        if thing.metadata and thing.metadata.to_dict().get("operation") == order.id:
            return thing
    return None


class _TooMany(Exception):
    """A look-up that would read too much to be sure."""


def _told(call: Callable[[], Known], *, looking: bool = False) -> Known | Answer:
    """Runs a call to Stripe and turns each of its faults into what is known then.

    A declined card and a refused parameter are sure: nothing moved. A broken connection, a 5xx, a 409
    (the key is in flight), a 429 and a refused key are not. In a look-up nothing is sure but an answer.
    """
    try:
        return call()
    except stripe.CardError as error:
        return _unsure("card_error") if looking else Answer(Outcome.FAILED, reason=_code(error, "declined"))
    except (stripe.IdempotencyError, stripe.AuthenticationError, stripe.PermissionError) as error:
        return _unsure(type(error).__name__)
    except stripe.InvalidRequestError as error:
        if looking:
            return _unsure("invalid_request")
        return Answer(Outcome.FAILED, reason=_code(error, "invalid_request"))
    except (stripe.StripeError, _TooMany) as error:
        return _unsure(type(error).__name__)


def _unsure(reason: str) -> Answer:
    return Answer(Outcome.UNKNOWN, reason=reason[:60])


def _code(error: stripe.StripeError, otherwise: str) -> str:
    """Stripe's short code for what it refused; never its free text."""
    code = error.code
    if isinstance(error, stripe.CardError):
        body: Any = error.json_body or {}
        code = body.get("error", {}).get("decline_code") or code
    return (code or otherwise)[:60]
