"""Charges: money taken from a card, and what of it went back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fakes.stripe.cards import Behaviour, Card
from tests.fakes.stripe.customers import no_details
from tests.fakes.stripe.errors import Wire
from tests.fakes.stripe.money import CARDHOLDERS, charge_fee
from tests.fakes.stripe.routes import Call, route

if TYPE_CHECKING:
    from tests.fakes.stripe.world import Tenant, World

AVAILABLE_AFTER_S = 2 * 86_400


@dataclass(slots=True)
class Charge:
    """One attempt to take money. A connected account's share of a transfer is one too (`py_`)."""

    id: str
    created: int
    amount: int
    currency: str
    card: Card | None = None
    customer: str | None = None
    payment_intent: str | None = None
    payment_method: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    transfer_group: str | None = None
    source_transfer: str | None = None
    balance_transaction: str | None = None
    failure: tuple[str, str] | None = None
    amount_refunded: int = 0
    amount_transferred: int = 0
    available_on: int = 0
    disputed: bool = False
    refundable: bool = True

    @property
    def paid(self) -> bool:
        return self.failure is None

    def wire(self) -> Wire:
        failure_code, failure_message = self.failure or (None, None)
        return {
            "id": self.id,
            "object": "charge",
            "amount": self.amount,
            "amount_captured": self.amount if self.paid else 0,
            "amount_refunded": self.amount_refunded,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": self.balance_transaction,
            "billing_details": no_details(),
            "calculated_statement_descriptor": "SPOTCHECK",
            "captured": self.paid,
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "description": self.description,
            "disputed": self.disputed,
            "failure_balance_transaction": None,
            "failure_code": failure_code,
            "failure_message": failure_message,
            "fraud_details": {},
            "livemode": False,
            "metadata": dict(self.metadata),
            "on_behalf_of": None,
            "outcome": self._outcome(),
            "paid": self.paid,
            "payment_intent": self.payment_intent,
            "payment_method": self.payment_method,
            "payment_method_details": None if self.card is None else self._details(self.card),
            "receipt_email": None,
            "receipt_number": None,
            "receipt_url": None,
            "refunded": self.paid and self.amount_refunded == self.amount,
            "review": None,
            "shipping": None,
            "source_transfer": self.source_transfer,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "succeeded" if self.paid else "failed",
            "transfer_data": None,
            "transfer_group": self.transfer_group,
        }

    def _outcome(self) -> Wire | None:
        if self.card is None:
            return None
        return {
            "network_status": "approved_by_network" if self.paid else "declined_by_network",
            "reason": None if self.paid else self.card.decline,
            "risk_level": "normal",
            "seller_message": "Payment complete." if self.paid else "The bank returned a decline.",
            "type": "authorized" if self.paid else "issuer_declined",
        }

    def _details(self, card: Card) -> Wire:
        more: Wire = {"installments": None, "mandate": None, "network": card.brand, "three_d_secure": None}
        return {"card": card.wire() | more | {"amount_authorized": self.amount}, "type": "card"}


def book(world: World, tenant: Tenant, charge: Charge) -> None:
    """Puts a paid charge's money into the balance, pending for two days on most cards."""
    assert charge.card is not None
    at_once = charge.card.behaviour is Behaviour.AVAILABLE
    charge.available_on = world.now if at_once else world.now + AVAILABLE_AFTER_S
    charge.balance_transaction = world.post(
        tenant,
        CARDHOLDERS,
        kind="charge",
        category="charge",
        amount=charge.amount,
        fee=charge_fee(charge.amount),
        currency=charge.currency,
        source=charge.id,
        available_on=charge.available_on,
        description=charge.description,
    ).id


@route("GET", "/v1/charges/:id", "ChargeRetrieveParams")
def retrieve_charge(call: Call) -> Wire:
    return call.tenant.charges.need(call.ids[0], "id", status=404).wire()


@route("GET", "/v1/charges", "ChargeListParams", supports="created customer payment_intent transfer_group")
def list_charges(call: Call) -> Wire:
    return call.list(call.tenant.charges)
