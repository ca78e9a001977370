"""Checkout sessions: Stripe's own payment page, and the human who pays on it or lets it expire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fakes.stripe.arguments import Arguments, at_least_the_minimum
from tests.fakes.stripe.customers import Customer, method_named
from tests.fakes.stripe.errors import Misuse, Refused, Wire, invalid, missing, unsupported
from tests.fakes.stripe.intents import PaymentIntent, confirm
from tests.fakes.stripe.routes import Call, route

if TYPE_CHECKING:
    from tests.fakes.stripe.world import Tenant, World

SHORTEST_S, LONGEST_S = 30 * 60, 24 * 3600
PAYER = "payer@example.com"


@dataclass(slots=True)
class Line:
    """One thing on the bill."""

    id: str
    name: str
    unit_amount: int
    quantity: int
    currency: str

    @property
    def total(self) -> int:
        return self.unit_amount * self.quantity

    def wire(self) -> Wire:
        return {
            "id": self.id,
            "object": "item",
            "amount_discount": 0,
            "amount_subtotal": self.total,
            "amount_tax": 0,
            "amount_total": self.total,
            "currency": self.currency,
            "description": self.name,
            "price": None,
            "quantity": self.quantity,
        }


@dataclass(slots=True)
class Session:
    """One visit to the payment page."""

    id: str
    created: int
    lines: list[Line]
    currency: str
    expires_at: int
    success_url: str
    cancel_url: str | None = None
    customer: str | None = None
    customer_creation: str | None = None
    customer_email: str | None = None
    client_reference_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    intent_description: str | None = None
    intent_metadata: dict[str, str] = field(default_factory=dict)
    intent_transfer_group: str | None = None
    setup_future_usage: str | None = None
    capture_method: str = "automatic_async"
    allowed_types: list[str] | None = None
    payment_intent: str | None = None
    status: str = "open"
    payer_email: str | None = None

    @property
    def total(self) -> int:
        return sum(line.total for line in self.lines)

    def wire(self) -> Wire:
        return {
            "id": self.id,
            "object": "checkout.session",
            "adaptive_pricing": {"enabled": False},
            "after_expiration": None,
            "allow_promotion_codes": None,
            "amount_subtotal": self.total,
            "amount_total": self.total,
            "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
            "billing_address_collection": None,
            "cancel_url": self.cancel_url,
            "client_reference_id": self.client_reference_id,
            "client_secret": None,
            "consent": None,
            "consent_collection": None,
            "created": self.created,
            "currency": self.currency,
            "currency_conversion": None,
            "custom_fields": [],
            "custom_text": dict.fromkeys(
                ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
            ),
            "customer": self.customer,
            "customer_creation": self.customer_creation,
            "customer_details": self._payer(),
            "customer_email": self.customer_email,
            "expires_at": self.expires_at,
            "invoice": None,
            "invoice_creation": None,
            "livemode": False,
            "locale": None,
            "metadata": dict(self.metadata),
            "mode": "payment",
            "payment_intent": self.payment_intent if self.status == "complete" else None,
            "payment_link": None,
            "payment_method_collection": "if_required",
            "payment_method_configuration_details": None,
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
            "payment_method_types": self.allowed_types or ["card"],
            "payment_status": "paid" if self.status == "complete" else "unpaid",
            "phone_number_collection": {"enabled": False},
            "recovered_from": None,
            "saved_payment_method_options": None,
            "setup_intent": None,
            "shipping_address_collection": None,
            "shipping_cost": None,
            "shipping_options": [],
            "status": self.status,
            "submit_type": None,
            "subscription": None,
            "success_url": self.success_url,
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "ui_mode": "hosted_page",
            "url": f"https://checkout.stripe.com/c/pay/{self.id}" if self.status == "open" else None,
        }

    def _payer(self) -> Wire | None:
        email = self.payer_email or self.customer_email
        if email is None:
            return None
        nothing: Wire = dict.fromkeys(("address", "business_name", "individual_name", "name", "phone"))
        return nothing | {"email": email, "tax_exempt": "none", "tax_ids": []}

    def line_items(self) -> Wire:
        url = f"/v1/checkout/sessions/{self.id}/line_items"
        return {"object": "list", "data": [one.wire() for one in self.lines], "has_more": False, "url": url}


CREATE = (
    "mode success_url cancel_url customer customer_email customer_creation client_reference_id metadata "
    "expires_at allowed_payment_method_types ui_mode line_items.quantity line_items.price_data.currency "
    "line_items.price_data.unit_amount line_items.price_data.product_data.name "
    "line_items.price_data.product_data.description payment_intent_data.metadata "
    "payment_intent_data.description payment_intent_data.setup_future_usage "
    "payment_intent_data.capture_method payment_intent_data.transfer_group"
)


@route("POST", "/v1/checkout/sessions", "checkout.SessionCreateParams", supports=CREATE)
def create_session(call: Call) -> Wire:
    world, arguments = call.world, call.arguments
    if (arguments.text("mode") or "payment") != "payment":
        raise unsupported("any mode but payment")
    if (arguments.text("ui_mode") or "hosted_page") != "hosted_page":
        raise unsupported("any ui_mode but hosted_page")
    lines = _lines(call)
    currency = lines[0].currency
    at_least_the_minimum(sum(line.total for line in lines), currency, "line_items")
    session = Session(
        world.ids.make("cs_test"),
        world.now,
        lines,
        currency,
        _expiry(world, arguments),
        arguments.need_text("success_url"),
        cancel_url=arguments.text("cancel_url"),
        customer=_customer(call),
        customer_creation=arguments.text("customer_creation") or "if_required",
        customer_email=arguments.text("customer_email"),
        client_reference_id=_reference(arguments),
        metadata=arguments.metadata(),
        allowed_types=arguments.texts("allowed_payment_method_types") or None,
    )
    _intent_data(session, arguments.branch("payment_intent_data"))
    if session.customer is not None:
        session.customer_creation = None
    call.tenant.sessions.add(session)
    world.at(session.expires_at, lambda: expire(world, call.tenant, session))
    return session.wire()


def _intent_data(session: Session, data: Arguments) -> None:
    session.intent_description = data.text("description")
    session.intent_metadata = data.metadata()
    session.intent_transfer_group = data.text("transfer_group")
    session.setup_future_usage = data.text("setup_future_usage")
    session.capture_method = data.text("capture_method") or "automatic_async"
    if session.capture_method == "manual":
        raise unsupported("capture_method=manual")


def _lines(call: Call) -> list[Line]:
    given = call.arguments.branches("line_items")
    if not given:
        raise missing("line_items")
    lines = []
    for number, item in enumerate(given):
        price = item.branch("price_data")
        where = f"line_items[{number}]"
        if "price_data" not in item:
            raise missing(f"{where}[price_data]")
        if "product_data" not in price:
            raise missing(f"{where}[price_data][product_data]")
        unit, quantity = price.integer("unit_amount"), item.integer("quantity")
        if unit is None or quantity is None:
            raise missing(f"{where}[quantity]" if quantity is None else f"{where}[price_data][unit_amount]")
        if unit < 0 or quantity < 1:
            code = "parameter_invalid_integer"
            raise invalid("This value must be greater than or equal to 1.", code=code, param=where)
        name = price.branch("product_data").need_text("name")
        lines.append(Line(call.world.ids.make("li"), name, unit, quantity, price.currency()))
    if len({line.currency for line in lines}) > 1:
        raise invalid("All line items must have the same currency.", param="line_items")
    return lines


def _customer(call: Call) -> str | None:
    name = call.arguments.text("customer")
    if name is None:
        return None
    for other in ("customer_email", "customer_creation"):
        if other in call.arguments:
            message = f"You may only specify one of these parameters: customer, {other}."
            raise invalid(message, code="parameters_exclusive", param="customer")
    return call.tenant.customers.need(name, "customer").id


def _reference(arguments: Arguments) -> str | None:
    reference = arguments.text("client_reference_id")
    if reference is not None and len(reference) > 200:
        raise invalid("client_reference_id can have up to 200 characters.", param="client_reference_id")
    return reference


def _expiry(world: World, arguments: Arguments) -> int:
    expires_at = arguments.integer("expires_at")
    if expires_at is None:
        return world.now + LONGEST_S
    if not world.now + SHORTEST_S <= expires_at <= world.now + LONGEST_S:
        message = "The `expires_at` timestamp must be 30 minutes to 24 hours from Checkout Session creation."
        raise invalid(message, param="expires_at")
    return expires_at


def expire(world: World, tenant: Tenant, session: Session) -> None:
    """Closes the page, unless somebody has paid."""
    if session.status == "open":
        session.status = "expired"
        world.emit(tenant, "checkout.session.expired", session.wire())


def pay(world: World, tenant: Tenant, name: str, card: str) -> PaymentIntent:
    """A human pays on the page. After a decline the page stays open for another card.

    Raises:
        Misuse: the page is closed, or it is no known card.
    """
    session = tenant.sessions.get(name)
    if session is None or session.status != "open":
        raise Misuse(f"{name} is no open session")
    try:
        method = method_named(world, tenant, card, "payment_method")
    except Refused as unknown:
        raise Misuse(unknown.message) from unknown
    _greet(world, tenant, session)
    intent = _intent(world, tenant, session)
    try:
        confirm(world, tenant, intent, method, holder="here")
    except Refused:
        # The page tells the human, not the merchant.
        return intent
    session.status = "complete"
    world.emit(tenant, "checkout.session.completed", session.wire())
    return intent


def _greet(world: World, tenant: Tenant, session: Session) -> None:
    """The page asks who pays, and makes a customer of them where the merchant wants one."""
    known = None if session.customer is None else tenant.customers.get(session.customer)
    session.payer_email = (known.email if known else None) or session.customer_email or PAYER
    if session.customer is None and session.customer_creation == "always":
        customer = Customer(world.ids.make("cus"), world.now, email=session.payer_email)
        tenant.customers.add(customer)
        world.emit(tenant, "customer.created", customer.wire())
        session.customer = customer.id
        tenant.sessions.reindex(session, "customer")


def _intent(world: World, tenant: Tenant, session: Session) -> PaymentIntent:
    """The session's payment, made when the page first needs it."""
    if session.payment_intent is not None:
        return tenant.intents.need(session.payment_intent, "payment_intent")
    intent = PaymentIntent(
        world.ids.make("pi"),
        world.now,
        session.total,
        session.currency,
        customer=session.customer,
        description=session.intent_description,
        metadata=dict(session.intent_metadata),
        capture_method=session.capture_method,
        setup_future_usage=session.setup_future_usage,
        transfer_group=session.intent_transfer_group,
        allowed_types=session.allowed_types,
    )
    tenant.intents.add(intent)
    session.payment_intent = intent.id
    tenant.sessions.reindex(session, "payment_intent")
    world.emit(tenant, "payment_intent.created", intent.wire())
    return intent


@route("GET", "/v1/checkout/sessions/:id", "checkout.SessionRetrieveParams")
def retrieve_session(call: Call) -> Wire:
    return call.tenant.sessions.need(call.ids[0], "session", status=404).wire()


FILTERS = "created customer payment_intent status"


@route("GET", "/v1/checkout/sessions", "checkout.SessionListParams", supports=FILTERS)
def list_sessions(call: Call) -> Wire:
    status = call.arguments.text("status")
    return call.list(call.tenant.sessions, None if status is None else lambda one: one.status == status)


@route("POST", "/v1/checkout/sessions/:id/expire", "checkout.SessionExpireParams")
def expire_session(call: Call) -> Wire:
    session = call.tenant.sessions.need(call.ids[0], "session", status=404)
    if session.status != "open":
        message = 'Only Checkout Sessions with a status in ["open"] can be expired.'
        raise invalid(f"{message} This Checkout Session has a status of {session.status}.")
    expire(call.world, call.tenant, session)
    return session.wire()
