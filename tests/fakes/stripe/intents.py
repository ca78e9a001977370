"""PaymentIntents: from the wish to take money to a charge, a decline or a question to the card's holder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fakes.stripe import disputes
from tests.fakes.stripe.arguments import Arguments, at_least_the_minimum
from tests.fakes.stripe.cards import Behaviour
from tests.fakes.stripe.charges import Charge, book
from tests.fakes.stripe.customers import PaymentMethod, attach, method_named
from tests.fakes.stripe.errors import Misuse, Refused, Wire, invalid, unsupported
from tests.fakes.stripe.routes import Call, route

if TYPE_CHECKING:
    from tests.fakes.stripe.world import Tenant, World

CONFIRMABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


@dataclass(slots=True)
class PaymentIntent:
    """One payment, through however many attempts."""

    id: str
    created: int
    amount: int
    currency: str
    customer: str | None = None
    payment_method: str | None = None
    status: str = "requires_payment_method"
    latest_charge: str | None = None
    error: Wire | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    capture_method: str = "automatic_async"
    setup_future_usage: str | None = None
    receipt_email: str | None = None
    transfer_group: str | None = None
    allow_redirects: str = "always"
    allowed_types: list[str] | None = None
    return_url: str | None = None
    canceled_at: int | None = None
    cancellation_reason: str | None = None

    def wire(self) -> Wire:
        return {
            "id": self.id,
            "object": "payment_intent",
            "allowed_payment_method_types": self.allowed_types,
            "amount": self.amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": self.amount if self.status == "succeeded" else 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": {"allow_redirects": self.allow_redirects, "enabled": True},
            "canceled_at": self.canceled_at,
            "cancellation_reason": self.cancellation_reason,
            "capture_method": self.capture_method,
            "client_secret": f"{self.id}_secret_fake",
            "confirmation_method": "automatic",
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "description": self.description,
            "last_payment_error": self.error,
            "latest_charge": self.latest_charge,
            "livemode": False,
            "metadata": dict(self.metadata),
            "next_action": self._next_action(),
            "on_behalf_of": None,
            "payment_method": self.payment_method,
            "payment_method_configuration_details": None,
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
            "payment_method_types": self.allowed_types or ["card"],
            "processing": None,
            "receipt_email": self.receipt_email,
            "review": None,
            "setup_future_usage": self.setup_future_usage,
            "shipping": None,
            "source": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": self.status,
            "transfer_data": None,
            "transfer_group": self.transfer_group,
        }

    def _next_action(self) -> Wire | None:
        if self.status != "requires_action":
            return None
        if self.return_url is None:
            return {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
        url = f"https://hooks.stripe.com/redirect/{self.id}"
        return {"type": "redirect_to_url", "redirect_to_url": {"return_url": self.return_url, "url": url}}


def confirm(
    world: World, tenant: Tenant, intent: PaymentIntent, method: PaymentMethod, *, holder: str
) -> None:
    """Tries to take the money.

    Args:
        holder: where the card's holder is: "away" (off session), "asked" (on session, to be asked by
            the buyer's page), or "here" (already there to say yes, as on Stripe's own page).

    Raises:
        Refused: the card said no; the attempt is on record.
    """
    if method.card.behaviour is Behaviour.ASKS and holder == "asked":
        intent.payment_method = method.id
        intent.status = "requires_action"
        world.emit(tenant, "payment_intent.requires_action", intent.wire())
        return
    if method.card.behaviour is Behaviour.ASKS and holder == "away":
        message = "Your card was declined. This transaction requires authentication."
        raise _declined(world, tenant, intent, method, "authentication_required", message)
    if method.card.behaviour is Behaviour.DECLINES:
        raise _declined(world, tenant, intent, method, "card_declined", "Your card was declined.")
    _succeed(world, tenant, intent, method)


def _new_charge(
    world: World,
    tenant: Tenant,
    intent: PaymentIntent,
    method: PaymentMethod,
    failure: tuple[str, str] | None,
) -> Charge:
    charge = Charge(
        world.ids.make("ch"),
        world.now,
        intent.amount,
        intent.currency,
        card=method.card,
        customer=intent.customer,
        payment_intent=intent.id,
        payment_method=method.id,
        description=intent.description,
        metadata=dict(intent.metadata),
        transfer_group=intent.transfer_group,
        failure=failure,
    )
    intent.latest_charge = charge.id
    return tenant.charges.add(charge)


def _declined(
    world: World, tenant: Tenant, intent: PaymentIntent, method: PaymentMethod, code: str, message: str
) -> Refused:
    charge = _new_charge(world, tenant, intent, method, (code, message))
    intent.status, intent.payment_method = "requires_payment_method", None
    decline = code if code == "authentication_required" else method.card.decline
    more: Wire = {"charge": charge.id, "decline_code": decline, "payment_method": method.wire()}
    refusal = Refused(402, "card_error", message, code=code, more=more)
    error = refusal.wire()["error"]
    assert isinstance(error, dict)
    intent.error = dict(error)
    world.emit(tenant, "charge.failed", charge.wire())
    world.emit(tenant, "payment_intent.payment_failed", intent.wire())
    more["payment_intent"] = intent.wire()
    return refusal


def _succeed(world: World, tenant: Tenant, intent: PaymentIntent, method: PaymentMethod) -> None:
    charge = _new_charge(world, tenant, intent, method, None)
    intent.status, intent.payment_method, intent.error = "succeeded", method.id, None
    later = intent.capture_method == "automatic_async" and world.capture_delay_s > 0
    if not later:
        book(world, tenant, charge)
    if intent.setup_future_usage and intent.customer and method.customer is None:
        attach(world, tenant, method, intent.customer)
    world.emit(tenant, "charge.succeeded", charge.wire())
    world.emit(tenant, "payment_intent.succeeded", intent.wire())
    if later:
        world.at(world.now + world.capture_delay_s, lambda: _book_late(world, tenant, charge))
    if method.card.behaviour is Behaviour.DISPUTES:
        world.at(world.now + world.capture_delay_s, lambda: disputes.opened_by_holder(world, tenant, charge))


def _book_late(world: World, tenant: Tenant, charge: Charge) -> None:
    book(world, tenant, charge)
    world.emit(tenant, "charge.updated", charge.wire())


def answer(world: World, tenant: Tenant, name: str, *, agrees: bool) -> None:
    """The card's holder answers the question a payment waits for."""
    intent = tenant.intents.get(name)
    if intent is None or intent.status != "requires_action" or intent.payment_method is None:
        raise Misuse(f"{name} asks its holder nothing")
    method = tenant.methods.need(intent.payment_method, "payment_method")
    if agrees:
        _succeed(world, tenant, intent, method)
    else:
        message = "We are unable to authenticate your payment method."
        _declined(world, tenant, intent, method, "payment_intent_authentication_failure", message)


CREATE = (
    "amount currency customer payment_method metadata confirm off_session description capture_method "
    "receipt_email setup_future_usage transfer_group return_url automatic_payment_methods "
    "allowed_payment_method_types"
)


@route("POST", "/v1/payment_intents", "PaymentIntentCreateParams", supports=CREATE)
def create_intent(call: Call) -> Wire:
    intent = _intent_of(call)
    name = call.arguments.text("payment_method")
    at_once = call.arguments.flag("confirm")
    if at_once and name is None:
        raise _no_method()
    if at_once:
        _returns(intent, call.arguments)
    elif "off_session" in call.arguments or "return_url" in call.arguments:
        param = "off_session" if "off_session" in call.arguments else "return_url"
        raise invalid(f"You cannot set '{param}' unless you also set 'confirm'.", param=param)
    method = None if name is None else _usable(call, intent, name)
    call.tenant.intents.add(intent)
    if method is not None:
        intent.payment_method, intent.status = method.id, "requires_confirmation"
    call.world.emit(call.tenant, "payment_intent.created", intent.wire())
    if at_once and method is not None:
        holder = "away" if call.arguments.flag("off_session") else "asked"
        confirm(call.world, call.tenant, intent, method, holder=holder)
    return intent.wire()


def _intent_of(call: Call) -> PaymentIntent:
    arguments = call.arguments
    customer, currency, amount = arguments.text("customer"), arguments.currency(), arguments.amount()
    at_least_the_minimum(amount, currency)
    if customer is not None:
        call.tenant.customers.need(customer, "customer")
    capture = arguments.text("capture_method") or "automatic_async"
    if capture == "manual":
        raise unsupported("capture_method=manual")
    methods = arguments.branch("automatic_payment_methods")
    return PaymentIntent(
        call.world.ids.make("pi"),
        call.world.now,
        amount,
        currency,
        customer=customer,
        description=arguments.text("description"),
        metadata=arguments.metadata(),
        capture_method=capture,
        setup_future_usage=arguments.text("setup_future_usage"),
        receipt_email=arguments.text("receipt_email"),
        transfer_group=arguments.text("transfer_group"),
        allow_redirects=methods.text("allow_redirects") or "always",
        allowed_types=arguments.texts("allowed_payment_method_types") or None,
        return_url=arguments.text("return_url"),
    )


def _returns(intent: PaymentIntent, arguments: Arguments) -> None:
    """A payment on session may send its holder to another page, so it must say where to return."""
    stays = arguments.flag("off_session") or intent.return_url or intent.allowed_types
    if not stays and intent.allow_redirects == "always":
        raise invalid(
            "This PaymentIntent is configured to accept payment methods that might redirect your customer: "
            "provide a `return_url`, or set `automatic_payment_methods[allow_redirects]` to `never`."
        )


def _usable(call: Call, intent: PaymentIntent, name: str) -> PaymentMethod:
    method = method_named(call.world, call.tenant, name, "payment_method")
    if method.customer is not None and method.customer != intent.customer:
        message = f"The PaymentMethod {method.id} belongs to another customer, or no customer was given."
        raise invalid(message, param="payment_method")
    return method


def _no_method() -> Refused:
    message = (
        "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update "
        "the PaymentIntent with a payment method and then confirm it again, or confirm it again directly "
        "with a payment method or ConfirmationToken."
    )
    return invalid(message, code="payment_intent_unexpected_state")


@route(
    "POST",
    "/v1/payment_intents/:id/confirm",
    "PaymentIntentConfirmParams",
    supports="payment_method off_session return_url",
)
def confirm_intent(call: Call) -> Wire:
    intent = call.tenant.intents.need(call.ids[0], "intent", status=404)
    if intent.status not in CONFIRMABLE:
        raise _unexpected(intent, "confirm")
    name = call.arguments.text("payment_method") or intent.payment_method
    if name is None:
        raise _no_method()
    intent.return_url = call.arguments.text("return_url") or intent.return_url
    _returns(intent, call.arguments)
    holder = "away" if call.arguments.flag("off_session") else "asked"
    confirm(call.world, call.tenant, intent, _usable(call, intent, name), holder=holder)
    return intent.wire()


def _unexpected(intent: PaymentIntent, verb: str) -> Refused:
    message = f"You cannot {verb} this PaymentIntent because it has a status of {intent.status}."
    more: Wire = {"payment_intent": intent.wire()}
    return Refused(400, "invalid_request_error", message, code="payment_intent_unexpected_state", more=more)


@route("POST", "/v1/payment_intents/:id/cancel", "PaymentIntentCancelParams", supports="cancellation_reason")
def cancel_intent(call: Call) -> Wire:
    intent = call.tenant.intents.need(call.ids[0], "intent", status=404)
    if intent.status not in CONFIRMABLE:
        raise _unexpected(intent, "cancel")
    intent.status, intent.canceled_at = "canceled", call.world.now
    intent.cancellation_reason = call.arguments.text("cancellation_reason")
    call.world.emit(call.tenant, "payment_intent.canceled", intent.wire())
    return intent.wire()


@route("GET", "/v1/payment_intents/:id", "PaymentIntentRetrieveParams")
def retrieve_intent(call: Call) -> Wire:
    return call.tenant.intents.need(call.ids[0], "intent", status=404).wire()


@route("GET", "/v1/payment_intents", "PaymentIntentListParams", supports="created customer")
def list_intents(call: Call) -> Wire:
    return call.list(call.tenant.intents)
