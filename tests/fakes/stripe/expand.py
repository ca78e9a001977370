"""`expand`: ids in an answer replaced by their objects, where the SDK's types say that can be."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, ForwardRef, get_args, get_origin

import stripe

from tests.fakes.stripe.errors import Refused, Wire, invalid, unsupported

if TYPE_CHECKING:
    from tests.fakes.stripe.world import Tenant, World

DEEPEST = 4

ANSWERS: dict[str, type] = {
    "account_links": stripe.AccountLink,
    "accounts": stripe.Account,
    "balance": stripe.Balance,
    "balance_transactions": stripe.BalanceTransaction,
    "charges": stripe.Charge,
    "sessions": stripe.checkout.Session,
    "customers": stripe.Customer,
    "disputes": stripe.Dispute,
    "events": stripe.Event,
    "payment_intents": stripe.PaymentIntent,
    "payment_methods": stripe.PaymentMethod,
    "payouts": stripe.Payout,
    "refunds": stripe.Refund,
    "reversals": stripe.TransferReversal,
    "transfers": stripe.Transfer,
}


@cache
def expandable(answer: type) -> dict[str, tuple[type, ...]]:
    """The fields of an SDK class that hold an id or an object, or a list left out unless asked for."""
    found = {}
    for name, hint in answer.__annotations__.items():
        inner = _flat(hint)
        names = [one.__forward_arg__ for one in inner if isinstance(one, ForwardRef)]
        if names and (str in inner or stripe.ListObject in inner):
            found[name] = tuple(getattr(stripe, one) for one in names if hasattr(stripe, one))
    return found


def _flat(hint: object) -> list[object]:
    origin, arguments = get_origin(hint), get_args(hint)
    own = [origin] if origin is stripe.ListObject else []
    return [*own, *(leaf for inner in arguments for leaf in _flat(inner))] if arguments else [hint]


def check(route: str, paths: list[str]) -> None:
    """Refuses, before anything has happened, to expand what the answer will not hold.

    Args:
        route: the route's name, `GET /v1/transfers/:id`.
    """
    if not paths:
        return
    method, template = route.split(" ")
    words = template.split("/")
    answer = next(ANSWERS[word] for word in reversed(words) if word in ANSWERS)
    listed = method == "GET" and words[-1] in ANSWERS and words[-1] != "balance"
    for path in paths:
        parts = path.split(".")
        if listed and parts.pop(0) != "data":
            raise _cannot(path)
        if len(parts) > DEEPEST:
            raise invalid("You cannot expand more than 4 levels of a property.", param="expand")
        if not parts or not _reaches((answer,), parts):
            raise _cannot(path)


def _reaches(answers: tuple[type, ...], parts: list[str]) -> bool:
    if not parts or parts == ["data"]:
        return True
    name, *rest = parts
    if name == "data":
        return _reaches(answers, rest)
    return any(_reaches(fields[name], rest) for fields in map(expandable, answers) if name in fields)


def _cannot(path: str) -> Refused:
    return invalid(f"This property cannot be expanded ({path}).", param="expand")


def expand(world: World, tenant: Tenant, answer: Wire, paths: list[str]) -> None:
    """Replaces ids in an answer; `check` has allowed the paths."""
    for path in paths:
        _walk(world, tenant, answer, path.split("."))


def _walk(world: World, tenant: Tenant, holder: object, parts: list[str]) -> None:
    if isinstance(holder, list):
        for item in holder:
            _walk(world, tenant, item, parts)
        return
    if not parts or not isinstance(holder, dict):
        return
    name, *rest = parts
    if name not in holder:
        _include(tenant, holder, name)
    value = holder.get(name)
    if isinstance(value, str):
        value = holder[name] = _object(world, tenant, value)
    _walk(world, tenant, value, rest)


def _include(tenant: Tenant, holder: Wire, name: str) -> None:
    """Lists that an object only shows when asked."""
    own = str(holder.get("id"))
    if name == "line_items" and (session := tenant.sessions.get(own)):
        holder[name] = session.line_items()
    elif name == "refunds" and tenant.charges.get(own):
        data = [refund.wire() for refund in tenant.refunds.where("charge", own)]
        holder[name] = {
            "object": "list",
            "data": data,
            "has_more": False,
            "url": f"/v1/charges/{own}/refunds",
        }


def _object(world: World, tenant: Tenant, name: str) -> Wire:
    shelf = tenant.shelf_of(name) if not name.startswith("acct_") else world.platform.accounts
    found = None if shelf is None else shelf.get(name)
    if found is None:
        raise unsupported(f"expanding to {name}")
    return found.wire()
