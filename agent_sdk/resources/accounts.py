"""Money in, keys and their limits.

client.deposits.create("25.00")
capped = client.keys.create(["post", "read"], per_bounty="2.00", per_day="10.00")
print(capped.secret)      # shown once
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pydantic import JsonValue

from agent_sdk._core import Flow, segment
from agent_sdk._doors import AsyncResource, Resource, SyncResource, op
from agent_sdk.types import ApiKey, Operation, amount


class _Deposits(Resource):
    @op
    def create(self, value: str | int | Decimal, *, idempotency_key: str | None = None) -> Flow[Operation]:
        """Starts a deposit of so many dollars; it is spendable once its status is "done"."""
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


class _Keys(Resource):
    @op
    def create(
        self,
        scopes: Sequence[str],
        *,
        per_bounty: str | int | Decimal | None = None,
        per_day: str | int | Decimal | None = None,
        total: str | int | Decimal | None = None,
        idempotency_key: str | None = None,
    ) -> Flow[ApiKey]:
        """Makes a further key with its own spend limits (dollars); its `secret` is shown this once.

        Scopes: post, read, contribute, money, review, admin.
        """
        wanted = {"per_bounty": per_bounty, "per_day": per_day, "total": total}
        limits: dict[str, JsonValue] = {name: amount(cap) for name, cap in wanted.items() if cap is not None}
        body: dict[str, JsonValue] = {"scopes": list(scopes), "limits": limits}
        return self._core.call(ApiKey, "POST", "/v1/keys", body=body, key=idempotency_key)

    @op
    def revoke(self, key_id: str) -> Flow[None]:
        """Ends a key at once. Raises NotFound."""
        yield from self._core.exchange("DELETE", f"/v1/keys/{segment(key_id)}")


class Keys(_Keys, SyncResource):
    """`client.keys`."""


class AsyncKeys(_Keys, AsyncResource):
    """`client.keys` of the async client."""
