"""Disputes: the bank takes a payment back, with a fee, until somebody wins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import stripe

from tests.fakes.stripe.charges import Charge
from tests.fakes.stripe.errors import Misuse, Wire
from tests.fakes.stripe.money import CARDHOLDERS, BalanceTransaction
from tests.fakes.stripe.routes import Call, route

if TYPE_CHECKING:
    from tests.fakes.stripe.world import Tenant, World

FEE = 1500
ANSWER_WITHIN_S = 9 * 86_400

# What a merchant could have sent to the bank.
_EVIDENCE = frozenset(stripe.Dispute.Evidence.__annotations__) - {"appeal", "enhanced_evidence"}


@dataclass(slots=True)
class Dispute:
    """A payment that its card's holder denies."""

    id: str
    created: int
    amount: int
    currency: str
    charge: str
    payment_intent: str | None
    reason: str = "fraudulent"
    status: str = "needs_response"
    transactions: list[BalanceTransaction] = field(default_factory=list)

    def wire(self) -> Wire:
        evidence: Wire = dict.fromkeys(sorted(_EVIDENCE))
        return {
            "id": self.id,
            "object": "dispute",
            "amount": self.amount,
            "balance_transactions": [one.wire() for one in self.transactions],
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "enhanced_eligibility_types": [],
            "evidence": evidence | {"enhanced_evidence": {}},
            "evidence_details": {
                "due_by": self.created + ANSWER_WITHIN_S,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "not_submitted",
            },
            "is_charge_refundable": False,
            "livemode": False,
            "metadata": {},
            "payment_intent": self.payment_intent,
            "payment_method_details": {
                "card": {
                    "brand": "visa",
                    "case_type": "chargeback",
                    "network": "visa",
                    "network_reason_code": "10.4",
                },
                "type": "card",
            },
            "reason": self.reason,
            "status": self.status,
        }


def open_dispute(world: World, tenant: Tenant, charge: Charge, amount: int | None, reason: str) -> Dispute:
    """The bank takes the money back and Stripe its fee."""
    if not charge.paid or not charge.refundable or charge.balance_transaction is None:
        raise Misuse(f"{charge.id} cannot be disputed now")
    taken = charge.amount - charge.amount_refunded if amount is None else amount
    if taken < 1:
        raise Misuse(f"{charge.id} has nothing left to dispute")
    dispute = Dispute(
        world.ids.make("du"), world.now, taken, charge.currency, charge.id, charge.payment_intent, reason
    )
    charge.disputed, charge.refundable = True, False
    tenant.disputes.add(dispute)
    _move(world, tenant, dispute, -taken, FEE, "dispute")
    world.emit(tenant, "charge.dispute.created", dispute.wire())
    world.emit(tenant, "charge.dispute.funds_withdrawn", dispute.wire())
    return dispute


def opened_by_holder(world: World, tenant: Tenant, charge: Charge) -> None:
    """What the test card does that disputes at once, unless its money went back before."""
    if charge.amount_refunded < charge.amount:
        open_dispute(world, tenant, charge, None, "fraudulent")


def close_dispute(world: World, tenant: Tenant, name: str, outcome: str) -> None:
    """The bank decides. The money comes back where it is won; the fee never does."""
    dispute = tenant.disputes.get(name)
    if dispute is None or dispute.status in {"won", "lost"} or outcome not in {"won", "lost"}:
        raise Misuse(f"{name} is no dispute that can be {outcome}")
    dispute.status = outcome
    if outcome == "won":
        tenant.charges.need(dispute.charge, "charge").refundable = True
        _move(world, tenant, dispute, dispute.amount, 0, "dispute_reversal")
        world.emit(tenant, "charge.dispute.funds_reinstated", dispute.wire())
    world.emit(tenant, "charge.dispute.closed", dispute.wire())


def _move(world: World, tenant: Tenant, dispute: Dispute, amount: int, fee: int, category: str) -> None:
    dispute.transactions.append(
        world.post(
            tenant,
            CARDHOLDERS,
            kind="adjustment",
            category=category,
            amount=amount,
            fee=fee,
            currency=dispute.currency,
            source=dispute.id,
            description=f"Chargeback {category.removeprefix('dispute_')} for {dispute.charge}",
        )
    )


@route("GET", "/v1/disputes/:id", "DisputeRetrieveParams")
def retrieve_dispute(call: Call) -> Wire:
    return call.tenant.disputes.need(call.ids[0], "id", status=404).wire()


@route("GET", "/v1/disputes", "DisputeListParams", supports="created charge payment_intent")
def list_disputes(call: Call) -> Wire:
    return call.list(call.tenant.disputes)
