"""Asking the world: post a bounty, wait for verified observations.

    bounty = client.bounties.post(
        "Is the bakery open?", lat=52.3702, lon=4.8952, radius_m=60,
        answer_schema={"type": "boolean"}, reward="2.00", closes_in=timedelta(hours=2),
    )
    seen = bounty.wait(timeout=3600).first
    if seen is not None:
        print(seen.answer, seen.p_genuine, seen.p_answer)

With `AsyncSpotcheck` the same, with `await` before `post` and `wait` and `async for` over `list`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, overload

from pydantic import JsonValue, PrivateAttr

from agent_sdk._asks import Approval, Terms, request_body
from agent_sdk._core import Flow, Sleep, segment
from agent_sdk._doors import AsyncResource, Listing, Resource, SyncResource, op, pages
from agent_sdk.areas import Disc, Ring
from agent_sdk.types import Bounty, Page, StreamTerms, Waited

P = ParamSpec("P")

HOLD_S = 25.0  # one long poll; proxies commonly cut silent connections at 30 or 60 s
MIN_GAP_S = 1.0  # between polls when the server answers at once, as it does while more are wanted


class _live(Generic[P]):  # noqa: N801  (used as a decorator)
    """Like `op` for a flow of `Bounty`, but what comes back can `wait` and `cancel` on its own client."""

    def __init__(self, plan: Callable[Concatenate[Any, P], Flow[Bounty]]) -> None:
        self.plan = plan
        self.__doc__ = plan.__doc__

    @overload
    def __get__(self, instance: SyncResource, owner: type) -> Callable[P, LiveBounty]: ...
    @overload
    def __get__(
        self, instance: AsyncResource, owner: type
    ) -> Callable[P, Coroutine[Any, Any, AsyncLiveBounty]]: ...
    @overload
    def __get__(self, instance: None, owner: type) -> _live[P]: ...
    def __get__(self, instance: SyncResource | AsyncResource | None, owner: type) -> Any:
        if instance is None:
            return self
        plan = MethodType(self.plan, instance)

        @functools.wraps(plan)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return instance._drive(_bound(plan(*args, **kwargs), instance))

        return call


def _bound(flow: Flow[Bounty], room: object) -> Flow[Bounty]:
    bounty = yield from flow
    live: LiveBounty | AsyncLiveBounty
    if isinstance(room, Bounties):
        live = LiveBounty.model_construct(**dict(bounty))
        live._room = room
    elif isinstance(room, AsyncBounties):
        live = AsyncLiveBounty.model_construct(**dict(bounty))
        live._room = room
    else:
        raise TypeError(f"bounties are bound to a client's bounties, not to {type(room).__name__}")
    return live


class _Bounties(Resource):
    @_live
    def post(
        self,
        ask: str,
        *,
        area: Disc | Ring | Mapping[str, JsonValue] | None = None,
        lat: float | None = None,
        lon: float | None = None,
        radius_m: float = 100.0,
        answer_schema: Mapping[str, JsonValue] | None = None,
        reward: str | int | Decimal = "0.50",
        closes_in: timedelta | float | None = None,
        closes_at: datetime | None = None,
        opens_at: datetime | None = None,
        slots: int = 1,
        tier: int | None = None,
        kind: str = "photo",
        stream: StreamTerms | Mapping[str, JsonValue] | None = None,
        licence: str = "buyer-only",
        purpose: str = "not stated",
        max_freshness_s: float | None = None,
        approval: str | None = None,
        idempotency_key: str | None = None,
    ) -> Flow[Bounty]:
        """Posts a bounty and holds (reward + fee) x slots in escrow; what is not filled comes back.

        Args:
            ask: the question, as a person on the spot will read it.
            area: where; or `lat`, `lon` (WGS 84 degrees) and `radius_m` (1..50,000 m).
            answer_schema: JSON Schema of the answer, such as {"type": "boolean"}. Default {}: a picture and
                no answer, whatever `ask` says.
            reward: dollars for each accepted capture; never a float.
            closes_in: a timedelta or seconds from now; or `closes_at`, an aware datetime. Default 24 hours.
            slots: how many independent captures to buy.
            tier: 0 or 1, how much evidence is required (2 is not offered yet); default: by the reward.
            kind: "photo", "video" (5 to 20 s, for at most $1) or "stream" (then `stream` says what it must
                deliver).
            licence, purpose: shown to contributors before they accept; "buyer-only", "CC-BY-4.0", "CC0-1.0".
            max_freshness_s: longest time from challenge to commitment (1..86,400); default: the house's.
            approval: the id of an approval of exactly this post; `post_approved` is the easy way.
            idempotency_key: the same key never buys twice. When you repeat a call with your own key from
                another process, give `closes_at`: `closes_in` would make another body, and a conflict.

        Raises:
            BadInput: no place, no time zone, or a limit broken.
            InsufficientFunds, SpendLimitReached, SpendingStopped: nothing was posted.
            ApprovalRequired: it costs more than this key may spend unasked: `client.approvals.ask`.
            PolicyRefused: this market does not publish that ask.
            IdempotencyConflict: the key was used before with another body.
        """
        place = Terms(area=area, lat=lat, lon=lon, radius_m=radius_m)
        times = Terms(
            closes_in=closes_in, closes_at=closes_at, opens_at=opens_at, max_freshness_s=max_freshness_s
        )
        price = Terms(reward=reward, slots=slots, tier=tier, licence=licence, purpose=purpose)
        what = Terms(kind=kind, answer_schema=answer_schema, stream=stream)
        body = request_body(self._core, ask, place | times | price | what)
        if approval is not None:
            body["approval"] = approval
        return self._core.call(Bounty, "POST", "/v1/bounties", body=body, key=idempotency_key)

    @_live
    def post_approved(self, approval: Approval, *, idempotency_key: str | None = None) -> Flow[Bounty]:
        """Posts what an approval is for, exactly as it was asked, with the key that asked.

        Raises:
            StateConflict: it is not approved (yet), used already, or lapsed.
        """
        body: dict[str, JsonValue] = {**approval.request, "approval": approval.id}
        return self._core.call(Bounty, "POST", "/v1/bounties", body=body, key=idempotency_key)

    @_live
    def get(self, bounty_id: str) -> Flow[Bounty]:
        """One of the caller's bounties. Raises NotFound."""
        return self._core.call(Bounty, "GET", f"/v1/bounties/{segment(bounty_id)}")

    @_live
    def cancel(self, bounty_id: str, *, idempotency_key: str | None = None) -> Flow[Bounty]:
        """Closes a bounty and refunds its open slots; a slot being worked on is still judged and paid.

        Raises:
            NotFound: nothing of yours by that id. StateConflict: it is over already.
        """
        return self._core.call(
            Bounty, "POST", f"/v1/bounties/{segment(bounty_id)}/cancel", body={}, key=idempotency_key
        )

    @pages
    def list(self, *, status: str | None = None, page_size: int = 100) -> Listing[Bounty]:
        """All of the caller's bounties; further pages are fetched as you go. `status` as in `Bounty`."""

        def page(after: str | None) -> Flow[Page[Bounty]]:
            params = {"limit": str(page_size)}
            if status is not None:
                params["status"] = status
            if after is not None:
                params["after"] = after
            return self._core.call(Page[Bounty], "GET", "/v1/bounties", params=params)

        return page

    @op
    def wait(self, bounty_id: str, *, timeout: float = 600.0, at_least: int = 1) -> Flow[Waited]:
        """Waits until `at_least` observations exist, the bounty is over, or `timeout` seconds passed.

        Not an error when time is up: look at `.observations` and `.bounty.status`. Long polls of 25 s, so
        an observation is seen when it is made and an idle hour costs 144 requests.
        """
        core, path = self._core, f"/v1/bounties/{segment(bounty_id)}/wait"
        deadline = core.clock() + timeout
        while True:
            asked = core.clock()
            hold = min(HOLD_S, max(0.0, deadline - asked))
            params = {"timeout": f"{hold:.3f}", "seen": str(at_least - 1)}
            waited = yield from core.call(Waited, "GET", path, params=params, timeout=hold + core.timeout)
            left = deadline - core.clock()
            if len(waited.observations) >= at_least or waited.bounty.over or left <= 0:
                return waited
            gap = MIN_GAP_S - (core.clock() - asked)
            if gap > 0:
                yield Sleep(min(gap, left))


class Bounties(_Bounties, SyncResource):
    """`client.bounties`: see the module's example."""


class AsyncBounties(_Bounties, AsyncResource):
    """`client.bounties` of the async client: the same methods, awaited."""


class LiveBounty(Bounty):
    """A bounty that knows its client."""

    _room: Bounties = PrivateAttr()

    def wait(self, *, timeout: float = 600.0, at_least: int = 1) -> Waited:
        """See `Bounties.wait`."""
        return self._room.wait(self.id, timeout=timeout, at_least=at_least)

    def cancel(self) -> LiveBounty:
        """See `Bounties.cancel`."""
        return self._room.cancel(self.id)


class AsyncLiveBounty(Bounty):
    """A bounty that knows its async client."""

    _room: AsyncBounties = PrivateAttr()

    async def wait(self, *, timeout: float = 600.0, at_least: int = 1) -> Waited:
        """See `Bounties.wait`."""
        return await self._room.wait(self.id, timeout=timeout, at_least=at_least)

    async def cancel(self) -> AsyncLiveBounty:
        """See `Bounties.cancel`."""
        return await self._room.cancel(self.id)
