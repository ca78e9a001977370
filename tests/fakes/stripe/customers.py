"""Customers and the cards saved with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fakes.stripe.cards import CARDS, Card
from tests.fakes.stripe.errors import Refused, Wire, invalid
from tests.fakes.stripe.routes import Call, route

if TYPE_CHECKING:
    from tests.fakes.stripe.world import Tenant, World


@dataclass(slots=True)
class Customer:
    """Who pays."""

    id: str
    created: int
    email: str | None = None
    name: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def wire(self) -> Wire:
        return {
            "id": self.id,
            "object": "customer",
            "address": None,
            "balance": 0,
            "created": self.created,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": self.description,
            "email": self.email,
            "invoice_prefix": self.id[-8:].upper(),
            "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None},
            "livemode": False,
            "metadata": dict(self.metadata),
            "name": self.name,
            "next_invoice_sequence": 1,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        }


@dataclass(slots=True)
class PaymentMethod:
    """A card as it was given, saved with a customer or not."""

    id: str
    created: int
    card: Card
    customer: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def wire(self) -> Wire:
        more: Wire = {
            "display_brand": self.card.brand,
            "generated_from": None,
            "regulated_status": "unregulated",
        }
        return {
            "id": self.id,
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": no_details(),
            "card": self.card.wire() | more,
            "created": self.created,
            "customer": self.customer,
            "livemode": False,
            "metadata": dict(self.metadata),
            "type": "card",
        }


def no_details(email: str | None = None) -> Wire:
    """Billing details nobody gave."""
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {"address": address, "email": email, "name": None, "phone": None, "tax_id": None}


def method_named(world: World, tenant: Tenant, name: str, param: str) -> PaymentMethod:
    """A stored payment method, or a new one where `name` is a test token."""
    card = CARDS.get(name)
    if card is None:
        return tenant.methods.need(name, param)
    return tenant.methods.add(PaymentMethod(world.ids.make("pm"), world.now, card))


def attach(world: World, tenant: Tenant, method: PaymentMethod, customer: str) -> None:
    """Saves a card with a customer."""
    method.customer = customer
    tenant.methods.reindex(method, "customer")
    world.emit(tenant, "payment_method.attached", method.wire())


@route("POST", "/v1/customers", "CustomerCreateParams", supports="email name description metadata")
def create_customer(call: Call) -> Wire:
    arguments = call.arguments
    customer = Customer(
        call.world.ids.make("cus"),
        call.world.now,
        email=arguments.text("email"),
        name=arguments.text("name"),
        description=arguments.text("description"),
        metadata=arguments.metadata(),
    )
    call.tenant.customers.add(customer)
    call.world.emit(call.tenant, "customer.created", customer.wire())
    return customer.wire()


@route("GET", "/v1/customers/:id", "CustomerRetrieveParams")
def retrieve_customer(call: Call) -> Wire:
    return call.tenant.customers.need(call.ids[0], "id", status=404).wire()


@route("GET", "/v1/customers", "CustomerListParams", supports="created email")
def list_customers(call: Call) -> Wire:
    email = call.arguments.text("email")
    return call.list(call.tenant.customers, None if email is None else lambda one: one.email == email)


@route("GET", "/v1/payment_methods/:id", "PaymentMethodRetrieveParams")
def retrieve_method(call: Call) -> Wire:
    return call.tenant.methods.need(call.ids[0], "payment_method", status=404).wire()


@route("GET", "/v1/payment_methods", "PaymentMethodListParams", supports="customer type")
def list_methods(call: Call) -> Wire:
    kind, customer = call.arguments.text("type"), call.arguments.need_text("customer")
    # The index keeps a card under a customer it was since detached from.
    return call.list(call.tenant.methods, lambda one: one.customer == customer and kind in {None, "card"})


@route("POST", "/v1/payment_methods/:id/attach", "PaymentMethodAttachParams", supports="customer")
def attach_method(call: Call) -> Wire:
    customer = call.tenant.customers.need(call.arguments.need_text("customer"), "customer")
    method = method_named(call.world, call.tenant, call.ids[0], "payment_method")
    if not method.card.attaches:
        more: Wire = {"decline_code": method.card.decline}
        raise Refused(402, "card_error", "Your card was declined.", code="card_declined", more=more)
    if method.customer not in {None, customer.id}:
        message = "The payment method you provided has already been attached to a customer."
        raise invalid(message, code="payment_method_already_attached")
    attach(call.world, call.tenant, method, customer.id)
    return method.wire()


@route("POST", "/v1/payment_methods/:id/detach", "PaymentMethodDetachParams")
def detach_method(call: Call) -> Wire:
    method = call.tenant.methods.need(call.ids[0], "payment_method", status=404)
    if method.customer is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    method.customer = None
    call.world.emit(call.tenant, "payment_method.detached", method.wire())
    return method.wire()
