"""Refunds: never more than the charge; the fee stays with Stripe; one may fail days after it succeeded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fakes.stripe.cards import Behaviour
from tests.fakes.stripe.charges import Charge
from tests.fakes.stripe.errors import Misuse, Wire, invalid
from tests.fakes.stripe.money import CARDHOLDERS
from tests.fakes.stripe.routes import Call, route

if TYPE_CHECKING:
    from tests.fakes.stripe.world import Tenant, World

# How long after a refund to such a test card its failure is known.
FAILS_AFTER_S = 60


@dataclass(slots=True)
class Refund:
    """Money on its way back to a card."""

    id: str
    created: int
    amount: int
    currency: str
    charge: str
    payment_intent: str | None
    reason: str | None = None
    status: str = "succeeded"
    balance_transaction: str | None = None
    failure_balance_transaction: str | None = None
    failure_reason: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def wire(self) -> Wire:
        card: Wire = {
            "reference_status": "pending",
            "reference_type": "acquirer_reference_number",
            "type": "refund",
        }
        wire: Wire = {
            "id": self.id,
            "object": "refund",
            "amount": self.amount,
            "balance_transaction": self.balance_transaction,
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "destination_details": {"card": card, "type": "card"},
            "metadata": dict(self.metadata),
            "payment_intent": self.payment_intent,
            "reason": self.reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": self.status,
            "transfer_reversal": None,
        }
        if self.status == "failed":
            wire["failure_balance_transaction"] = self.failure_balance_transaction
            wire["failure_reason"] = self.failure_reason
        return wire


def _dollars(cents: int) -> str:
    return f"${cents // 100}.{cents % 100:02}"


def _charge_of(call: Call) -> Charge:
    named, intended = call.arguments.text("charge"), call.arguments.text("payment_intent")
    if named is not None:
        return call.tenant.charges.need(named, "charge")
    if intended is None:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise invalid(message, code="parameter_missing", param="payment_intent")
    intent = call.tenant.intents.need(intended, "payment_intent")
    if intent.status != "succeeded" or intent.latest_charge is None:
        raise invalid(f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.")
    return call.tenant.charges.need(intent.latest_charge, "charge")


def _refundable(charge: Charge, wanted: int | None) -> int:
    """What will be refunded, the whole rest where no amount was named."""
    if not charge.paid:
        raise invalid(f"Charge {charge.id} was not successful and cannot be refunded.")
    if not charge.refundable:
        raise invalid(
            f"Charge {charge.id} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    rest = charge.amount - charge.amount_refunded
    if rest == 0:
        raise invalid(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
    amount = rest if wanted is None else wanted
    if amount > rest:
        what = "unrefunded amount on charge" if charge.amount_refunded else "charge amount"
        message = f"Refund amount ({_dollars(amount)}) is greater than {what} ({_dollars(rest)})"
        raise invalid(message, param="amount")
    return amount


@route("POST", "/v1/refunds", "RefundCreateParams", supports="payment_intent charge amount reason metadata")
def create_refund(call: Call) -> Wire:
    world, tenant = call.world, call.tenant
    wanted = call.arguments.amount() if call.arguments.integer("amount") is not None else None
    metadata = call.arguments.metadata()
    charge = _charge_of(call)
    amount = _refundable(charge, wanted)
    refund = Refund(
        world.ids.make("re"), world.now, amount, charge.currency, charge.id, charge.payment_intent,
        reason=call.arguments.text("reason"), metadata=metadata,
    )  # fmt: skip
    refund.balance_transaction = world.post(
        tenant,
        CARDHOLDERS,
        kind="refund",
        category="refund",
        amount=-amount,
        currency=charge.currency,
        source=refund.id,
        available_on=charge.available_on,
        description="REFUND FOR CHARGE",
    ).id
    charge.amount_refunded += amount
    tenant.refunds.add(refund)
    world.emit(tenant, "refund.created", refund.wire())
    world.emit(tenant, "charge.refunded", charge.wire())
    if charge.card is not None and charge.card.behaviour is Behaviour.REFUND_FAILS:
        world.at(
            world.now + FAILS_AFTER_S, lambda: fail(world, tenant, refund.id, "expired_or_canceled_card")
        )
    return refund.wire()


def fail(world: World, tenant: Tenant, name: str, reason: str) -> None:
    """The card's bank sends the money back."""
    refund = tenant.refunds.get(name)
    if refund is None or refund.status == "failed":
        raise Misuse(f"{name} is no refund that can fail")
    charge = tenant.charges.need(refund.charge, "charge")
    refund.status, refund.failure_reason = "failed", reason
    refund.failure_balance_transaction = world.post(
        tenant,
        CARDHOLDERS,
        kind="refund_failure",
        category="refund_failure",
        amount=refund.amount,
        currency=refund.currency,
        source=refund.id,
    ).id
    charge.amount_refunded -= refund.amount
    for kind in ("refund.updated", "refund.failed", "charge.refund.updated"):
        world.emit(tenant, kind, refund.wire())


@route("GET", "/v1/refunds/:id", "RefundRetrieveParams")
def retrieve_refund(call: Call) -> Wire:
    return call.tenant.refunds.need(call.ids[0], "id", status=404).wire()


@route("GET", "/v1/refunds", "RefundListParams", supports="created charge payment_intent")
def list_refunds(call: Call) -> Wire:
    return call.list(call.tenant.refunds)
