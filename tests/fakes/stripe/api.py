"""One request from the door to the answer, in the order that Stripe's promises need."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.fakes.stripe import balance, events, expand, form, routes
from tests.fakes.stripe.accounts import account_of
from tests.fakes.stripe.arguments import Arguments
from tests.fakes.stripe.errors import Refused, Wire, invalid, unsupported
from tests.fakes.stripe.faults import Fault, Faults, Fired
from tests.fakes.stripe.http import Dropped, Request, Response
from tests.fakes.stripe.idempotency import Owned, Replays
from tests.fakes.stripe.params import shape
from tests.fakes.stripe.world import Tenant, World

# Their routes are in the table once they are imported; nobody else needs them.
_ = (balance, events)

FORM = "application/x-www-form-urlencoded"


@dataclass
class _Checked:
    """A request that is known, allowed and well formed."""

    route: routes.Route
    call: routes.Call
    tree: form.Tree
    key: Owned | None


class Api:
    """The fake's whole surface, under HTTP or without it.

    Args:
        keys: the secret keys that open the platform's account.
        sleep: how a delay passes; a simulation hands in its own.
    """

    def __init__(
        self,
        world: World,
        keys: frozenset[str],
        sleep: Callable[[float], object] = time.sleep,
        *,
        kept_s: int,
    ) -> None:
        self.world = world
        self.faults = Faults()
        self.calls: Counter[str] = Counter()
        self.effects: Counter[str] = Counter()
        self._keys = keys
        self._sleep = sleep
        self._replays = Replays(kept_s)

    def handle(self, request: Request) -> Response:
        """Answers a request.

        Raises:
            Dropped: a fault ends the connection.
        """
        try:
            with self.world.lock:
                self.world.tick()
                name = self.world.ids.make("req")
                route, ids = routes.find(request.method, request.path)
                self.calls[route.name] += 1
        except Refused as refused:
            return self._sealed(_refusal(refused), request, name)
        drawn = self.faults.draw(route.name)
        fault, seconds = drawn or (None, 0.0)
        response, happened = self._answer(request, route, ids, name, fault, seconds)
        if fault is not None:
            self.faults.fired.append(Fired(fault, route.name, name, happened))
        if response is None or fault is Fault.DROP_AFTER:
            raise Dropped(route.name)
        return self._sealed(response, request, name)

    def _sealed(self, response: Response, request: Request, name: str) -> Response:
        headers = {"Request-Id": name, "Content-Type": "application/json"} | response.headers
        if key := request.headers.get("idempotency-key"):
            headers["Idempotency-Key"] = key
        return Response(response.status, response.body, headers)

    def _answer(
        self,
        request: Request,
        route: routes.Route,
        ids: list[str],
        name: str,
        fault: Fault | None,
        seconds: float,
    ) -> tuple[Response | None, bool]:
        """The answer, none where the connection drops first; and whether the request had its effect."""
        if fault is Fault.DROP_BEFORE:
            return None, False
        if fault in _REFUSING:
            return _refusal(_REFUSING[fault]), False
        try:
            with self.world.lock:
                checked = self._check(request, route, ids)
                replayed = self._begin(checked, request, name)
        except Refused as refused:
            return _refusal(refused), False
        if replayed is not None:
            return replayed, False
        try:
            if fault is Fault.DELAY:
                self._sleep(seconds)
            return self._run(checked, name, fault)
        except BaseException:
            # The fake itself broke: the key must not stay in flight for ever.
            if checked.key is not None:
                self._replays.abandon(checked.key)
            raise

    def _check(self, request: Request, route: routes.Route, ids: list[str]) -> _Checked:
        tenant = self._tenant(request)
        version = request.headers.get("stripe-version", events.API_VERSION)
        if version != events.API_VERSION:
            raise unsupported(f"the API version {version}, only {events.API_VERSION}")
        if request.method == "POST" and request.body and not request.headers["content-type"].startswith(FORM):
            raise invalid("Invalid request body: the content type must be form-encoded.")
        tree = form.decode(request.body if request.method == "POST" else request.query)
        arguments = Arguments(shape(route.params).read(tree))
        route.check(arguments)
        expand.check(route.name, arguments.texts("expand"))
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        call = routes.Call(self.world, tenant, arguments, ids, request.path)
        return _Checked(route, call, tree, (tenant.id, key) if key else None)

    def _tenant(self, request: Request) -> Tenant:
        """The account a request acts for."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            raise Refused(401, "invalid_request_error", "You did not provide an API key.")
        if key not in self._keys:
            raise Refused(401, "invalid_request_error", f"Invalid API Key provided: {key[:8]}***")
        account = request.headers.get("stripe-account")
        if account in {None, self.world.platform.id}:
            return self.world.platform
        return self.world.tenants[account_of(self.world, str(account)).id]

    def _begin(self, checked: _Checked, request: Request, name: str) -> Response | None:
        if checked.key is None:
            return None
        return self._replays.begin(checked.key, request.path, checked.tree, name, self.world.now)

    def _run(self, checked: _Checked, name: str, fault: Fault | None) -> tuple[Response, bool]:
        happened = fault is not Fault.ERROR_BEFORE
        with self.world.lock:
            self.world.tick()
            response = self._effect(checked, name) if happened else _refusal(_BROKEN)
            if fault is Fault.ERROR_AFTER:
                response = _refusal(_BROKEN)
            if checked.key is not None:
                self._replays.finish(checked.key, response)
        return response, happened

    def _effect(self, checked: _Checked, name: str) -> Response:
        call = checked.call
        self.world.request = (name, checked.key[1] if checked.key else None)
        self.effects[checked.route.name] += 1
        try:
            answer = checked.route.answer(call)
            expand.expand(self.world, call.tenant, answer, call.arguments.texts("expand"))
            return Response(200, json.dumps(answer))
        except Refused as refused:
            return _refusal(refused)
        finally:
            self.world.request = (None, None)


def _refusal(refused: Refused) -> Response:
    wire: Wire = refused.wire()
    return Response(refused.status, json.dumps(wire), dict(refused.headers))


_BROKEN = Refused(500, "api_error", "An unknown error occurred", headers={"Stripe-Should-Retry": "false"})
_REFUSING = {
    Fault.CONFLICT: Refused(
        409, "invalid_request_error", "Another request is using this object.", code="lock_timeout"
    ),
    Fault.RATE_LIMIT: Refused(
        429, "invalid_request_error", "Too many requests made to the API too quickly.",
        code="rate_limit", headers={"Retry-After": "1"},
    ),
    Fault.OUTAGE: Refused(503, "api_error", "Stripe is temporarily unavailable."),
}  # fmt: skip
