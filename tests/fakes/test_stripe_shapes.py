"""The fake against the SDK's own types: what it answers, and what it lets in."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

import pydantic
import pytest
import stripe
from pydantic import ConfigDict, TypeAdapter
from stripe._object_classes import get_object_class
from stripe._stripe_object import UntypedStripeObject

from tests.fakes.stripe import FakeStripe
from tests.fakes.stripe.errors import Refused
from tests.fakes.stripe.form import decode
from tests.fakes.stripe.params import shape
from tests.fakes.stripe.routes import ROUTES


def misfits(value: Any, hint: Any, where: str) -> Iterator[str]:
    """Where a rendered value is not what the SDK's annotation promises."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Union:
        yield from _none_fits(value, arguments, where)
    elif origin is Literal:
        if value not in arguments:
            yield f"{where}: {value!r} is none of {arguments}"
    elif origin in {list, stripe.ListObject}:
        items = value.get("data") if isinstance(value, dict) else value
        if not isinstance(items, list):
            yield f"{where}: {value!r} is no list"
            return
        for item in items:
            yield from misfits(item, arguments[0], where)
    elif isinstance(hint, ForwardRef):
        yield from _object_misfits(value, where)
    elif origin is UntypedStripeObject or hint is float:
        return
    elif isinstance(hint, type) and issubclass(hint, stripe.StripeObject):
        yield from _field_misfits(value, hint, where)
    elif not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        yield f"{where}: {value!r} is no {hint}"


def _none_fits(value: Any, members: tuple[Any, ...], where: str) -> Iterator[str]:
    literals = [m for m in members if get_origin(m) is Literal]
    # Beside an enum's values the SDK allows any text, for values of versions to come.
    kept = [m for m in members if not (literals and m is str)]
    found = [list(misfits(value, member, where)) for member in kept]
    if all(found):
        yield from min(found, key=len)


def _object_misfits(value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is no object"
    elif "object" in value:
        yield from _field_misfits(value, get_object_class("V1", value["object"]), where)


def _field_misfits(value: Any, kind: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is no object"
        return
    hints = {name: hint for name, hint in kind.__annotations__.items() if name != "OBJECT_NAME"}
    for name in value.keys() - hints.keys():
        yield f"{where}.{name}: the SDK has no such field"
    for name, hint in hints.items():
        if name in value:
            yield from misfits(value[name], hint, f"{where}.{name}")
        elif type(None) not in get_args(hint):
            yield f"{where}.{name} is missing"


def everything() -> Iterator[dict[str, Any]]:
    """Every kind of object the fake renders, in most of its states."""
    fake = FakeStripe()
    v1: Any = fake.in_process().v1
    customer = v1.customers.create({"email": "a@example.com", "metadata": {"k": "v"}})
    pay = {"amount": 9000, "currency": "usd", "confirm": True, "customer": customer.id, "off_session": True}
    paid = [v1.payment_intents.create(pay | {"payment_method": "pm_card_bypassPending"}) for _ in range(3)]
    asks = {
        "payment_method": "pm_card_authenticationRequired",
        "off_session": False,
        "return_url": "https://a.example",
    }
    v1.payment_intents.create(pay | asks)
    with pytest.raises(stripe.CardError) as caught:
        v1.payment_intents.create(pay | {"payment_method": "pm_card_chargeDeclined"})
    yield caught.value.json_body["error"]["payment_intent"]  # type: ignore[index]
    line = {
        "price_data": {"currency": "usd", "unit_amount": 900, "product_data": {"name": "x"}},
        "quantity": 2,
    }
    visit = {
        "mode": "payment",
        "success_url": "https://a.example",
        "line_items": [line],
        "expand": ["line_items"],
    }
    for _ in range(2):
        session = v1.checkout.sessions.create(visit)
    fake.pay(session.id)
    refund = v1.refunds.create({"payment_intent": paid[0].id, "amount": 100})
    fake.fail_refund(refund.id)
    fake.close_dispute(fake.dispute(paid[1].latest_charge), "won")
    account = v1.accounts.create({"type": "express", "metadata": {"k": "v"}}).id
    fake.onboard(account)
    transfer = v1.transfers.create({"amount": 800, "currency": "usd", "destination": account})
    v1.transfers.reversals.create(transfer.id, {"amount": 100})
    payout = v1.payouts.create({"amount": 300, "currency": "usd"}, {"stripe_account": account})
    fake.settle_payout(payout.id, "failed")
    fake.advance(timedelta(days=2))
    link = {
        "account": account,
        "type": "account_onboarding",
        "refresh_url": "https://a",
        "return_url": "https://a",
    }
    yield v1.account_links.create(link).to_dict()
    lists = [v1.customers, v1.payment_intents, v1.charges, v1.checkout.sessions, v1.refunds, v1.disputes]
    lists += [v1.accounts, v1.transfers, v1.payouts, v1.balance_transactions, v1.events]
    for options in ({}, {"stripe_account": account}):
        yield v1.balance.retrieve({}, options).to_dict()
        for service in lists:
            yield from (one.to_dict() for one in service.list({"limit": 100}, options).data)
    yield from (one.to_dict() for one in v1.transfers.reversals.list(transfer.id).data)
    yield session.to_dict()
    yield v1.payment_methods.retrieve(paid[0].payment_method).to_dict()


def test_every_answer_is_what_the_sdk_says_it_is() -> None:
    found: set[str] = set()
    kinds: set[str] = set()
    for answer in everything():
        kinds.add(answer["object"])
        found |= set(_field_misfits(answer, get_object_class("V1", answer["object"]), answer["object"]))
        if answer["object"] == "event":
            kinds.add(answer["type"])
            found |= set(_object_misfits(answer["data"]["object"], answer["type"]))
    assert sorted(found) == []
    assert len(kinds) > 35


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_every_parameter_that_is_supported_is_one_the_sdk_has(name: str) -> None:
    route = ROUTES[name]
    reads = shape(route.params).reads
    unknown = {path.split(".")[0] for path in route.supports} - set(reads)
    assert unknown <= {"limit", "starting_after", "ending_before"}


FLAT = [
    "AccountLinkCreateParams",
    "BalanceTransactionListParams",
    "EventListParams",
    "PaymentMethodAttachParams",
    "PayoutCreateParams",
    "RefundCreateParams",
    "TransferCreateParams",
    "TransferListParams",
]
VALUES = {
    "account": "acct_1",
    "amount": "5",
    "created": "7",
    "created[gte]": "7",
    "currency": "usd",
    "customer": "cus_1",
    "destination": "acct_1",
    "expand[0]": "data",
    "foo": "1",
    "limit": "3",
    "metadata[k]": "v",
    "payment_intent": "pi_1",
    "refund_application_fee": "true",
    "type": "account_onboarding",
    "types[0]": "a.b",
}


@pytest.mark.parametrize("name", FLAT)
def test_what_is_let_in_is_what_pydantic_lets_in(name: str) -> None:
    """A second reader of the same types agrees, field by field."""
    adapter = _strict(name)
    for taken in ([], ["amount"], ["currency"], ["amount", "currency", "destination"], ["account", "type"]):
        for more in VALUES:
            if any(more.startswith(one) for one in taken):
                continue
            text = "&".join(f"{key}={VALUES[key]}" for key in [*taken, more])
            assert _reads(name, text) == _validates(adapter, text), (name, text)


def _reads(name: str, text: str) -> bool:
    try:
        shape(name).read(decode(text))
    except Refused:
        return False
    return True


def _strict(name: str) -> TypeAdapter[Any]:
    kind = getattr(stripe.params, name)
    # pydantic takes the settings of a TypedDict from the class; this one is a copy.
    settings = {"__pydantic_config__": ConfigDict(extra="forbid", arbitrary_types_allowed=True)}
    strict: Any = type(kind)(name, (kind,), settings | {"__annotations__": {}, "__module__": kind.__module__})
    adapter: TypeAdapter[Any] = TypeAdapter(strict)
    # Names the SDK imports for type checkers only.
    names = {
        "StripeContext": stripe.StripeContext,
        "Mapping": Mapping,
        "UntypedStripeObject": UntypedStripeObject,
    }
    adapter.rebuild(_types_namespace=vars(sys.modules[kind.__module__]) | names)
    return adapter


def _validates(adapter: TypeAdapter[Any], text: str) -> bool:
    tree: Any = decode(text)
    tree = {key: list(v.values()) if key in {"expand", "types"} else v for key, v in tree.items()}
    try:
        adapter.validate_python(tree)
    except pydantic.ValidationError:
        return False
    return True
