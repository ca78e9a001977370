"""Approvals: a limited key asks before it spends more than it may unasked; its owner says yes or no.

place, schema = Disc(lat=52.37, lon=4.9, radius_m=50), {"type": "boolean"}
try:
    bounty = client.bounties.post("Is the gate open?", area=place, answer_schema=schema, reward="5.00")
except ApprovalRequired:
    asked = client.approvals.ask("Is the gate open?", area=place, answer_schema=schema, reward="5.00")
    ...                                              # its owner: client.approvals.approve(asked.id)
    if client.approvals.get(asked.id).status == "approved":
        bounty = client.bounties.post_approved(asked)
"""

from __future__ import annotations

from typing import Unpack

from agent_sdk._asks import Approval, Terms, request_body
from agent_sdk._core import Flow, segment
from agent_sdk._doors import AsyncResource, Listing, Resource, SyncResource, op, pages
from agent_sdk.types import Page


class _Approvals(Resource):
    @op
    def ask(self, ask: str, *, idempotency_key: str | None = None, **terms: Unpack[Terms]) -> Flow[Approval]:
        """Asks for a post; the arguments are those of `bounties.post`. All is checked, nothing is held.

        Raises:
            BadInput, PolicyRefused: as the post would. SpendLimitReached: a limit that no approval lifts.
        """
        body = request_body(self._core, ask, terms)
        return self._core.call(Approval, "POST", "/v1/approvals", body=body, key=idempotency_key)

    @op
    def get(self, approval_id: str) -> Flow[Approval]:
        """Where an approval is now. Raises NotFound."""
        return self._core.call(Approval, "GET", f"/v1/approvals/{segment(approval_id)}")

    @pages
    def list(self, *, status: str | None = None, page_size: int = 100) -> Listing[Approval]:
        """What keys of the account asked for, newest first; `status` as in `Approval`."""

        def page(after: str | None) -> Flow[Page[Approval]]:
            wanted = {"limit": str(page_size), "status": status, "after": after}
            params = {name: value for name, value in wanted.items() if value is not None}
            return self._core.call(Page[Approval], "GET", "/v1/approvals", params=params)

        return page

    @op
    def approve(self, approval_id: str, *, idempotency_key: str | None = None) -> Flow[Approval]:
        """Says yes: the key that asked may post it, once, within a day of asking.

        Raises:
            Forbidden: this key has limits itself. StateConflict: decided before, or lapsed.
        """
        path = f"/v1/approvals/{segment(approval_id)}/approve"
        return self._core.call(Approval, "POST", path, key=idempotency_key)

    @op
    def refuse(self, approval_id: str, *, idempotency_key: str | None = None) -> Flow[Approval]:
        """Says no. Raises as `approve`."""
        path = f"/v1/approvals/{segment(approval_id)}/refuse"
        return self._core.call(Approval, "POST", path, key=idempotency_key)


class Approvals(_Approvals, SyncResource):
    """`client.approvals`."""


class AsyncApprovals(_Approvals, AsyncResource):
    """`client.approvals` of the async client."""
