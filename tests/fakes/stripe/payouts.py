"""Payouts: from a Stripe balance to a bank, which may still send the money back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fakes.stripe.errors import Misuse, Wire, invalid, unsupported
from tests.fakes.stripe.money import BANKS
from tests.fakes.stripe.routes import Call, route

if TYPE_CHECKING:
    from tests.fakes.stripe.world import Tenant, World

ARRIVES_AFTER_S = 2 * 86_400
PLATFORM_BANK = "ba_platform"


@dataclass(slots=True)
class Payout:
    """Money on its way to a bank."""

    id: str
    created: int
    amount: int
    currency: str
    destination: str
    description: str | None = None
    statement_descriptor: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    method: str = "standard"
    status: str = "pending"
    balance_transaction: str | None = None
    failure_balance_transaction: str | None = None
    failure: tuple[str, str] | None = None

    def wire(self) -> Wire:
        failure_code, failure_message = self.failure or (None, None)
        return {
            "id": self.id,
            "object": "payout",
            "amount": self.amount,
            "application_fee": None,
            "application_fee_amount": None,
            "arrival_date": self.created + ARRIVES_AFTER_S,
            "automatic": False,
            "balance_transaction": self.balance_transaction,
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "destination": self.destination,
            "failure_balance_transaction": self.failure_balance_transaction,
            "failure_code": failure_code,
            "failure_message": failure_message,
            "livemode": False,
            "metadata": dict(self.metadata),
            "method": self.method,
            "original_payout": None,
            "payout_method": None,
            "reconciliation_status": "not_applicable",
            "reversed_by": None,
            "source_type": "card",
            "statement_descriptor": self.statement_descriptor,
            "status": self.status,
            "trace_id": None,
            "type": "bank_account",
        }


def _bank(call: Call) -> str:
    account = call.world.platform.accounts.get(call.tenant.id)
    if account is None:
        return PLATFORM_BANK
    if not account.payouts_enabled or account.bank is None:
        message = "Cannot create payouts; this account has requirements that need to be collected."
        raise invalid(message, code="payouts_not_allowed")
    return account.bank


CREATE = "amount currency description metadata method statement_descriptor"


@route("POST", "/v1/payouts", "PayoutCreateParams", supports=CREATE)
def create_payout(call: Call) -> Wire:
    world, arguments = call.world, call.arguments
    amount, currency, metadata = arguments.amount(), arguments.currency(), arguments.metadata()
    if (arguments.text("method") or "standard") != "standard":
        raise unsupported("any payout method but standard")
    bank = _bank(call)
    if world.settled(call.tenant).available[currency] < amount:
        message = "You have insufficient funds in your Stripe account for this transfer."
        raise invalid(message, code="balance_insufficient")
    payout = Payout(
        world.ids.make("po"), world.now, amount, currency, bank,
        description=arguments.text("description"), metadata=metadata,
        statement_descriptor=arguments.text("statement_descriptor"),
    )  # fmt: skip
    payout.balance_transaction = _post(world, call.tenant, payout, "payout", -amount)
    call.tenant.payouts.add(payout)
    world.payouts[payout.id] = call.tenant
    world.emit(call.tenant, "payout.created", payout.wire())
    return payout.wire()


def _post(world: World, tenant: Tenant, payout: Payout, kind: str, amount: int) -> str:
    category = "payout" if kind == "payout" else "payout_reversal"
    return world.post(
        tenant,
        BANKS,
        kind=kind,
        category=category,
        amount=amount,
        currency=payout.currency,
        source=payout.id,
        description=payout.description or "STRIPE PAYOUT",
    ).id


def settle(world: World, name: str, outcome: str) -> None:
    """The bank answers. One that was paid may still fail days later; one that failed stays failed."""
    tenant = world.payouts.get(name)
    payout = None if tenant is None else tenant.payouts.get(name)
    if tenant is None or payout is None:
        raise Misuse(f"{name} is no payout")
    allowed = {"paid": {"pending", "in_transit"}, "failed": {"pending", "in_transit", "paid"}}
    if payout.status not in allowed.get(outcome, set()):
        raise Misuse(f"a payout that is {payout.status} cannot be {outcome}")
    payout.status = outcome
    if outcome == "failed":
        payout.failure = ("account_closed", "The bank account has been closed.")
        payout.failure_balance_transaction = _post(world, tenant, payout, "payout_failure", payout.amount)
    world.emit(tenant, f"payout.{outcome}", payout.wire())


@route("POST", "/v1/payouts/:id/cancel", "PayoutCancelParams")
def cancel_payout(call: Call) -> Wire:
    payout = call.tenant.payouts.need(call.ids[0], "payout", status=404)
    if payout.status != "pending":
        raise invalid(f"Payouts can only be canceled while pending, and this one is {payout.status}.")
    payout.status = "canceled"
    payout.failure_balance_transaction = _post(
        call.world, call.tenant, payout, "payout_cancel", payout.amount
    )
    call.world.emit(call.tenant, "payout.canceled", payout.wire())
    return payout.wire()


@route("GET", "/v1/payouts/:id", "PayoutRetrieveParams")
def retrieve_payout(call: Call) -> Wire:
    return call.tenant.payouts.need(call.ids[0], "payout", status=404).wire()


@route("GET", "/v1/payouts", "PayoutListParams", supports="created destination status")
def list_payouts(call: Call) -> Wire:
    status = call.arguments.text("status")
    return call.list(call.tenant.payouts, None if status is None else lambda one: one.status == status)
