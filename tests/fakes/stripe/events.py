"""Events: a snapshot of an object at each change of its state, kept for 30 days."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase

import stripe

from tests.fakes.stripe.errors import Wire, invalid
from tests.fakes.stripe.routes import Call, route

API_VERSION = stripe.api_version
KEPT_S = 30 * 86_400


@dataclass(slots=True)
class Event:
    """What happened; `account` names the connected account it happened on.

    The snapshot is kept as text: there are many events, and hardly one is ever read.
    """

    id: str
    created: int
    type: str
    snapshot: str
    account: str | None
    request: str | None
    idempotency_key: str | None
    pending_webhooks: int = 1

    def wire(self) -> Wire:
        wire: Wire = {
            "id": self.id,
            "object": "event",
            "api_version": API_VERSION,
            "created": self.created,
            "data": {"object": json.loads(self.snapshot)},
            "livemode": False,
            "pending_webhooks": self.pending_webhooks,
            "request": {"id": self.request, "idempotency_key": self.idempotency_key},
            "type": self.type,
        }
        if self.account is not None:
            wire["account"] = self.account
        return wire


@route("GET", "/v1/events", "EventListParams", supports="created type types")
def list_events(call: Call) -> Wire:
    patterns = call.arguments.texts("types")
    one = call.arguments.text("type")
    if one and patterns:
        raise invalid("You may only specify one of these parameters: type, types.", param="type")
    if len(patterns) > 20:
        raise invalid("You may only specify up to 20 event types.", param="types")
    wanted = [one] if one else patterns
    if not wanted:
        return call.list(call.tenant.events)

    def fits(kind: str) -> bool:
        return any(fnmatchcase(kind, pattern) for pattern in wanted)

    return call.list(call.tenant.events, among=call.tenant.events.like("type", fits))


@route("GET", "/v1/events/:id", "EventRetrieveParams")
def retrieve_event(call: Call) -> Wire:
    return call.tenant.events.need(call.ids[0], "id", status=404).wire()
