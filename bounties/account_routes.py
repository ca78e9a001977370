"""HTTP doors of what an account decides about its keys' posts, and of leaving."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from bounties import approvals, closing, service, views
from bounties.routes import After, Limit, to_ask
from bounties.rules import ApprovalState
from bounties.schemas import ApprovalPage, ApprovalShape, PostBounty
from core import clock, errors
from core.accounts.door import Call, Caller
from core.accounts.rules import Scope
from core.accounts.schemas import AccountShape

router = APIRouter(prefix="/v1", tags=["accounts"])

ApprovalId = Annotated[str, Path(pattern=r"^apr_[0-9a-z]{26}$")]


@router.post("/approvals", status_code=201, response_model=ApprovalShape)
def ask_approval(body: PostBounty, call: Caller, request: Request) -> JSONResponse:
    """Asks the account to approve a post over this key's threshold: the same body as the post. Everything
    is checked, nothing is held. Once approved, post the same body with `approval`, within a day."""
    call.require(Scope.POST)
    if body.approval is not None:
        raise errors.BadInput("an approval is asked for, not named, here", field="approval")

    def effect() -> ApprovalShape:
        now, settings = clock.now(), request.app.state.settings
        made = service.ask_approval(
            call.session,
            call.api_key,
            to_ask(body, now, settings),
            fee_basis_points=settings.fee_bps,
            request=body.as_asked(),
            request_hash=body.fingerprint(),
            now=now,
        )
        return views.approval_shape(made, now)

    return call.once(body, effect)


@router.get("/approvals", response_model=ApprovalPage)
def list_approvals(
    call: Caller, status: ApprovalState | None = None, after: After = None, limit: Limit = 20
) -> ApprovalPage:
    """What keys of the account asked for, newest first."""
    call.require(Scope.READ)
    found = approvals.list_approvals(call.session, call.account, status=status, after=after, limit=limit)
    items = [views.approval_shape(approval, clock.now()) for approval in found]
    return ApprovalPage(items=items, next=items[-1].id if len(items) == limit else None)


@router.get("/approvals/{approval_id}", response_model=ApprovalShape)
def read_approval(approval_id: ApprovalId, call: Caller) -> ApprovalShape:
    """One of the account's approvals."""
    call.require(Scope.READ)
    return views.approval_shape(approvals.own_approval(call.session, call.account, approval_id), clock.now())


@router.post("/approvals/{approval_id}/approve", response_model=ApprovalShape)
def approve(approval_id: ApprovalId, call: Caller) -> JSONResponse:
    """Says yes, with a key of the account without limits: the key that asked may post it once."""
    return _decide(call, approval_id, ApprovalState.APPROVED)


@router.post("/approvals/{approval_id}/refuse", response_model=ApprovalShape)
def refuse(approval_id: ApprovalId, call: Caller) -> JSONResponse:
    """Says no, with a key of the account without limits."""
    return _decide(call, approval_id, ApprovalState.REFUSED)


def _decide(call: Call, approval_id: str, to: ApprovalState) -> JSONResponse:
    call.require(Scope.POST)

    def effect() -> ApprovalShape:
        now = clock.now()
        return views.approval_shape(
            approvals.decide(call.session, call.api_key, approval_id, to, now=now), now
        )

    return call.once(None, effect, 200)


@router.post("/me/close", response_model=AccountShape)
def close_account(call: Caller) -> JSONResponse:
    """Closes the caller's account for good and ends all its keys, this one too. Refused while it holds
    money, or has bounties, claims or captures that are not settled."""
    call.require(Scope.MONEY)

    def effect() -> AccountShape:
        return AccountShape.of(closing.close_account(call.session, call.api_key, now=clock.now()))

    return call.once(None, effect, 200)
