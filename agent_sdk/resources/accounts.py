"""Money in, keys, their limits and their switches.

client.deposits.create("25.00")
capped = client.keys.create(["post", "read"], per_bounty="2.00", per_hour="4.00", approve_over="1.00")
print(capped.secret)      # shown once
client.keys.stop(capped.id)
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pydantic import JsonValue

from agent_sdk._core import Flow, segment
from agent_sdk._doors import AsyncResource, Resource, SyncResource, op
from agent_sdk.types import ApiKey, Operation, Wire, amount, shown


class _Deposits(Resource):
    @op
    def create(self, value: str | int | Decimal, *, idempotency_key: str | None = None) -> Flow[Operation]:
        """Starts a deposit of so many dollars; it is spendable once its status is "done".

        While it is "waiting" a person must pay at its `url` first.
        """
        body: dict[str, JsonValue] = {"amount": amount(value)}
        return self._core.call(Operation, "POST", "/v1/deposits", body=body, key=idempotency_key)

    @op
    def get(self, operation_id: str) -> Flow[Operation]:
        """Where a deposit is now. Raises NotFound."""
        return self._core.call(Operation, "GET", f"/v1/operations/{segment(operation_id)}")


class Deposits(_Deposits, SyncResource):
    """`client.deposits`."""


class AsyncDeposits(_Deposits, AsyncResource):
    """`client.deposits` of the async client."""


class _Listed(Wire):
    items: tuple[ApiKey, ...]


class _Keys(Resource):
    @op
    def create(
        self,
        scopes: Sequence[str],
        *,
        per_bounty: str | int | Decimal | None = None,
        per_hour: str | int | Decimal | None = None,
        per_day: str | int | Decimal | None = None,
        total: str | int | Decimal | None = None,
        approve_over: str | int | Decimal | None = None,
        kinds: Sequence[str] | None = None,
        cells: Sequence[str] | None = None,
        idempotency_key: str | None = None,
    ) -> Flow[ApiKey]:
        """Makes a further key with its own spend limits; its `secret` is shown this once.

        Args:
            scopes: of post, read, contribute, money, review, admin.
            per_bounty, per_hour, per_day, total: dollars, fees included; hours and days are UTC's.
            approve_over: a post that costs more needs an approval (`client.approvals`).
            kinds: the kinds of bounty it may post, of "photo", "video" and "stream".
            cells: H3 cells of resolution 0..9, at most 100: a bounty's centre lies in one of them.

        Raises:
            Forbidden: this key has limits itself, or lacks a scope. BadInput: limits that cannot be.
            KeyNotShown: the secret was in a reply that was lost; `facts["key"]` is the key to revoke.
        """
        caps = {
            "per_bounty": per_bounty,
            "per_hour": per_hour,
            "per_day": per_day,
            "total": total,
            "approve_over": approve_over,
        }
        lists = {"kinds": kinds, "cells": cells}
        limits: dict[str, JsonValue] = {name: amount(cap) for name, cap in caps.items() if cap is not None}
        limits.update({name: list(some) for name, some in lists.items() if some is not None})
        body: dict[str, JsonValue] = {"scopes": list(scopes), "limits": limits}
        made = yield from self._core.call(ApiKey, "POST", "/v1/keys", body=body, key=idempotency_key)
        shown(made, f"Revoke {made.id} and make another under a new idempotency_key.")
        return made

    @op
    def list(self) -> Flow[tuple[ApiKey, ...]]:
        """The account's keys that are not revoked; a key with limits sees itself only."""
        return (yield from self._core.call(_Listed, "GET", "/v1/keys")).items

    @op
    def stop(self, key_id: str, *, idempotency_key: str | None = None) -> Flow[ApiKey]:
        """Stops a key: it posts nothing more (SpendingStopped), but reads, cancels and gets refunds.

        Raises:
            Forbidden: it may do more than this key. StateConflict: no other key could start it again.
        """
        return self._core.call(ApiKey, "POST", f"/v1/keys/{segment(key_id)}/stop", key=idempotency_key)

    @op
    def start(self, key_id: str, *, idempotency_key: str | None = None) -> Flow[ApiKey]:
        """Starts a stopped key again. Raises Forbidden, SpendingStopped for a key that may not lift it."""
        return self._core.call(ApiKey, "POST", f"/v1/keys/{segment(key_id)}/start", key=idempotency_key)

    @op
    def revoke(self, key_id: str) -> Flow[None]:
        """Ends a key at once. Raises NotFound."""
        yield from self._core.exchange("DELETE", f"/v1/keys/{segment(key_id)}")


class Keys(_Keys, SyncResource):
    """`client.keys`."""


class AsyncKeys(_Keys, AsyncResource):
    """`client.keys` of the async client."""
