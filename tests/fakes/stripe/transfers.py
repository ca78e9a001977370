"""Transfers from the platform to connected accounts, and their reversals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fakes.stripe.charges import Charge
from tests.fakes.stripe.errors import Wire, invalid, no_such
from tests.fakes.stripe.money import BETWEEN
from tests.fakes.stripe.routes import Call, route

if TYPE_CHECKING:
    from tests.fakes.stripe.world import Tenant


@dataclass(slots=True)
class Reversal:
    """Money back from a connected account."""

    id: str
    created: int
    amount: int
    currency: str
    transfer: str
    balance_transaction: str | None = None
    destination_payment_refund: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def wire(self) -> Wire:
        return {
            "id": self.id,
            "object": "transfer_reversal",
            "amount": self.amount,
            "balance_transaction": self.balance_transaction,
            "created": self.created,
            "currency": self.currency,
            "destination_payment_refund": self.destination_payment_refund,
            "metadata": dict(self.metadata),
            "source_refund": None,
            "transfer": self.transfer,
        }


@dataclass(slots=True)
class Transfer:
    """Money sent to a connected account."""

    id: str
    created: int
    amount: int
    currency: str
    destination: str
    destination_payment: str
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    transfer_group: str | None = None
    source_transaction: str | None = None
    balance_transaction: str | None = None
    reversals: list[Reversal] = field(default_factory=list)

    @property
    def amount_reversed(self) -> int:
        return sum(one.amount for one in self.reversals)

    def wire(self) -> Wire:
        url = f"/v1/transfers/{self.id}/reversals"
        newest = [one.wire() for one in reversed(self.reversals[-10:])]
        more = len(self.reversals) > 10
        return {
            "id": self.id,
            "object": "transfer",
            "amount": self.amount,
            "amount_reversed": self.amount_reversed,
            "balance_transaction": self.balance_transaction,
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "destination": self.destination,
            "destination_payment": self.destination_payment,
            "livemode": False,
            "metadata": dict(self.metadata),
            "reversals": {"object": "list", "data": newest, "has_more": more, "url": url},
            "reversed": self.amount_reversed == self.amount,
            "source_transaction": self.source_transaction,
            "source_type": "card",
            "transfer_group": self.transfer_group,
        }


def _destination(call: Call) -> Tenant:
    name = call.arguments.need_text("destination")
    account = call.world.platform.accounts.get(name)
    if account is None:
        raise no_such("destination", name, "destination")
    if account.capabilities.get("transfers") != "active":
        message = (
            "Your destination account needs to have at least one of the following capabilities enabled: "
            "transfers, crypto_transfers, legacy_payments"
        )
        raise invalid(message, code="insufficient_capabilities_for_transfer")
    return call.world.tenants[name]


def _source(call: Call, amount: int, currency: str) -> Charge | None:
    """The charge whose money is sent on before it is available; without one the balance must have it."""
    name = call.arguments.text("source_transaction")
    if name is None:
        if call.world.settled(call.tenant).available[currency] < amount:
            message = (
                "You have insufficient available funds in your Stripe account. Try adding funds directly to "
                "your available balance by creating Charges using the 4000000000000077 test card."
            )
            raise invalid(message, code="balance_insufficient")
        return None
    charge = call.tenant.charges.need(name, "source_transaction")
    if not charge.paid or charge.balance_transaction is None or charge.currency != currency:
        raise invalid(f"The charge {name} cannot be the source of this transfer.", param="source_transaction")
    if charge.amount_transferred + amount > charge.amount:
        message = "The transfers of this charge would exceed its amount."
        raise invalid(message, code="transfer_source_balance_parameters_mismatch", param="amount")
    return charge


CREATE = "amount currency destination description metadata transfer_group source_transaction"


@route("POST", "/v1/transfers", "TransferCreateParams", supports=CREATE)
def create_transfer(call: Call) -> Wire:
    world, arguments = call.world, call.arguments
    amount, currency, metadata = arguments.amount(), arguments.currency(), arguments.metadata()
    destination = _destination(call)
    source = _source(call, amount, currency)
    group = arguments.text("transfer_group")
    if source is not None:
        source.amount_transferred += amount
        group = group or source.transfer_group or f"group_{source.payment_intent or source.id}"
    transfer = Transfer(
        world.ids.make("tr"), world.now, amount, currency, destination.id, world.ids.make("py"),
        description=arguments.text("description"), metadata=metadata, transfer_group=group,
        source_transaction=None if source is None else source.id,
    )  # fmt: skip
    due = world.now if source is None else source.available_on
    transfer.balance_transaction = world.post(
        call.tenant,
        BETWEEN,
        kind="transfer",
        category="transfer",
        amount=-amount,
        currency=currency,
        source=transfer.id,
        available_on=due,
        description=transfer.description,
    ).id
    _receive(call, destination, transfer, due)
    call.tenant.transfers.add(transfer)
    world.emit(call.tenant, "transfer.created", transfer.wire())
    return transfer.wire()


def _receive(call: Call, destination: Tenant, transfer: Transfer, due: int) -> None:
    """The connected account sees a payment."""
    payment = Charge(
        transfer.destination_payment, call.world.now, transfer.amount, transfer.currency,
        source_transfer=transfer.id, transfer_group=transfer.transfer_group, available_on=due,
    )  # fmt: skip
    payment.balance_transaction = call.world.post(
        destination,
        BETWEEN,
        kind="payment",
        category="charge",
        amount=transfer.amount,
        currency=transfer.currency,
        source=payment.id,
        available_on=due,
    ).id
    destination.charges.add(payment)


@route("GET", "/v1/transfers/:id", "TransferRetrieveParams")
def retrieve_transfer(call: Call) -> Wire:
    return call.tenant.transfers.need(call.ids[0], "id", status=404).wire()


@route("GET", "/v1/transfers", "TransferListParams", supports="created destination transfer_group")
def list_transfers(call: Call) -> Wire:
    return call.list(call.tenant.transfers)


def _amount_to_reverse(call: Call, transfer: Transfer, destination: Tenant) -> int:
    rest = transfer.amount - transfer.amount_reversed
    amount = call.arguments.amount() if call.arguments.integer("amount") is not None else rest
    if rest == 0:
        raise invalid(f"Transfer {transfer.id} is already fully reversed.")
    if amount > rest:
        message = (
            f"Transfer reversal amount ({amount}) is greater than unreversed amount on transfer ({rest})"
        )
        raise invalid(message, param="amount")
    wallet = call.world.settled(destination)
    # What came from a charge still pending can go back while it is pending.
    payment = destination.charges.need(transfer.destination_payment, "transfer")
    held = wallet.available if payment.available_on <= call.world.now else wallet.pending
    if held[transfer.currency] < amount:
        message = "The connected account has insufficient funds for this reversal."
        raise invalid(message, code="balance_insufficient")
    return amount


@route("POST", "/v1/transfers/:id/reversals", "TransferReversalCreateParams", supports="amount metadata")
def create_reversal(call: Call) -> Wire:
    world, metadata = call.world, call.arguments.metadata()
    transfer = call.tenant.transfers.need(call.ids[0], "id", status=404)
    destination = world.tenants[transfer.destination]
    amount = _amount_to_reverse(call, transfer, destination)
    payment = destination.charges.need(transfer.destination_payment, "transfer")
    reversal = Reversal(
        world.ids.make("trr"), world.now, amount, transfer.currency, transfer.id,
        destination_payment_refund=world.ids.make("pyr"), metadata=metadata,
    )  # fmt: skip
    ends = (
        (destination, "payment_refund", "refund", -amount, reversal.destination_payment_refund),
        (call.tenant, "transfer_refund", "transfer_reversal", amount, reversal.id),
    )
    for tenant, kind, category, cents, source in ends:
        reversal.balance_transaction = world.post(
            tenant,
            BETWEEN,
            kind=kind,
            category=category,
            amount=cents,
            currency=transfer.currency,
            source=source or reversal.id,
            available_on=payment.available_on,
        ).id
    payment.amount_refunded += amount
    transfer.reversals.append(reversal)
    call.tenant.reversals.add(reversal)
    world.emit(call.tenant, "transfer.updated", transfer.wire())
    world.emit(call.tenant, "transfer.reversed", transfer.wire())
    return reversal.wire()


@route("GET", "/v1/transfers/:id/reversals", "TransferReversalListParams")
def list_reversals(call: Call) -> Wire:
    transfer = call.tenant.transfers.need(call.ids[0], "id", status=404)
    return call.list(call.tenant.reversals, lambda one: one.transfer == transfer.id)


@route("GET", "/v1/transfers/:id/reversals/:id", "TransferReversalRetrieveParams")
def retrieve_reversal(call: Call) -> Wire:
    return call.tenant.reversals.need(call.ids[1], "id", status=404).wire()
