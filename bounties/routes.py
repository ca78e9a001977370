"""HTTP doors of the asking side: bounties, observations, receipts."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy import select

from bounties import handing_out, rules, service, views
from bounties.approvals import Named
from bounties.rules import Ask, BountyState
from bounties.schemas import (
    BountyPage,
    BountyShape,
    ObservationPage,
    ObservationShape,
    PostBounty,
    ReceiptShape,
    Waited,
)
from bounties.tables import Media, Observation
from core import clock, errors
from core.accounts.door import Caller, database, who
from core.accounts.rules import Scope
from core.config import Settings
from core.db import Database

router = APIRouter(prefix="/v1", tags=["bounties"])

BountyId = Annotated[str, Path(pattern=r"^bty_[0-9a-z]{26}$")]
ObservationId = Annotated[str, Path(pattern=r"^obs_[0-9a-z]{26}$")]
After = Annotated[str | None, Query(pattern=r"^[a-z]{3}_[0-9a-z]{26}$")]
Limit = Annotated[int, Query(ge=1, le=100)]


@router.post("/bounties", status_code=201, response_model=BountyShape)
def post_bounty(body: PostBounty, call: Caller, request: Request) -> JSONResponse:
    """Posts a bounty and holds its money in escrow. Nothing is held if anything is refused."""
    call.require(Scope.POST)
    settings: Settings = request.app.state.settings
    named = Named(body.approval, body.fingerprint()) if body.approval is not None else None

    def effect() -> BountyShape:
        now = clock.now()
        ask = to_ask(body, now, settings)
        made = service.post_bounty(
            call.session,
            call.api_key,
            ask,
            fee_basis_points=settings.fee_bps,
            warranty_basis_points=settings.warranty_bps,
            now=now,
            named=named,
        )
        return views.bounty_shape(call.session, made)

    return call.once(body, effect)


def to_ask(body: PostBounty, now: datetime, settings: Settings) -> Ask:
    """The ask in a body, with the house's defaults.

    Raises:
        BadInput: an area that cannot be, or a stream's window that takes longer than there is time.
    """
    try:
        ask = body.to_ask(now, settings.max_freshness_s)
    except ValueError as error:
        raise errors.BadInput(str(error), field="area") from error
    fault = rules.stream_fault(ask, timedelta(minutes=settings.claim_minutes), now)
    if fault is not None:
        hint = "Ask for fewer readings or a shorter interval, or raise that bound where it is yours."
        raise errors.BadInput(fault, hint=hint, field="stream")
    return ask


@router.get("/bounties", response_model=BountyPage)
def list_bounties(
    call: Caller, status: BountyState | None = None, after: After = None, limit: Limit = 20
) -> BountyPage:
    """The caller's bounties, newest first."""
    call.require(Scope.READ)
    found = service.list_bounties(call.session, call.account, status=status, after=after, limit=limit)
    items = [views.bounty_shape(call.session, bounty) for bounty in found]
    return BountyPage(items=items, next=items[-1].id if len(items) == limit else None)


@router.get("/bounties/{bounty_id}", response_model=BountyShape)
def read_bounty(bounty_id: BountyId, call: Caller) -> BountyShape:
    """One of the caller's bounties."""
    call.require(Scope.READ)
    return views.bounty_shape(call.session, service.own_bounty(call.session, call.account, bounty_id))


@router.post("/bounties/{bounty_id}/cancel", response_model=BountyShape)
def cancel_bounty(bounty_id: BountyId, call: Caller) -> JSONResponse:
    """Takes no more claims and refunds the open slots at once."""
    call.require(Scope.POST)

    def effect() -> BountyShape:
        ended = service.cancel_bounty(call.session, call.account, bounty_id, now=clock.now())
        return views.bounty_shape(call.session, ended)

    return call.once(None, effect, 200)


@router.get("/bounties/{bounty_id}/wait", response_model=Waited)
async def wait(
    bounty_id: BountyId,
    request: Request,
    authorization: Annotated[str | None, Header()] = None,
    timeout: Annotated[float, Query(ge=0, le=60)] = 25.0,
    seen: Annotated[int, Query(ge=0, le=1000, description="Observations known already.")] = 0,
) -> Waited:
    """Waits until the bounty has more observations than `seen`, takes no more claims, or the time is up."""
    opened, waiters = database(request), request.app.state.waiters
    account = await run_in_threadpool(who, opened, authorization, Scope.READ)
    until = time.monotonic() + timeout
    with waiters.place(account):
        while not await run_in_threadpool(_is_over, opened, account, bounty_id, seen):
            left = until - time.monotonic()
            if left <= 0 or await request.is_disconnected():
                break
            await asyncio.sleep(min(waiters.pause(), left))
        return await run_in_threadpool(_look, opened, account, bounty_id)


def _is_over(opened: Database, account: str, bounty_id: str, seen: int) -> bool:
    """The little that is read again and again; the shapes are built once, when something has changed."""
    with opened.reading() as session:
        status, observations = service.progress(session, account, bounty_id)
    return observations > seen or status != BountyState.OPEN


def _look(opened: Database, account: str, bounty_id: str) -> Waited:
    with opened.reading() as session:
        bounty = service.own_bounty(session, account, bounty_id)
        found = session.scalars(
            select(Observation).where(Observation.bounty == bounty_id).order_by(Observation.id)
        )
        shapes = [views.observation_shape(session, item) for item in found]
        return Waited(bounty=views.bounty_shape(session, bounty), observations=shapes)


@router.get("/observations", response_model=ObservationPage)
def list_observations(
    call: Caller,
    bounty: Annotated[str | None, Query(pattern=r"^bty_[0-9a-z]{26}$")] = None,
    after: After = None,
    limit: Limit = 20,
) -> ObservationPage:
    """The caller's observations, newest first."""
    call.require(Scope.READ)
    found = select(Observation).where(Observation.account == call.account)
    if bounty is not None:
        found = found.where(Observation.bounty == bounty)
    if after is not None:
        found = found.where(Observation.id < after)
    rows = call.session.scalars(found.order_by(Observation.id.desc()).limit(limit))
    items = [views.observation_shape(call.session, item) for item in rows]
    return ObservationPage(items=items, next=items[-1].id if len(items) == limit else None)


def _own(call: Caller, observation_id: str) -> Observation:
    call.require(Scope.READ)
    observation = call.session.get(Observation, observation_id)
    if observation is None or observation.account != call.account:
        raise errors.NotFound("no such observation")
    return observation


@router.get("/observations/{observation_id}", response_model=ObservationShape)
def read_observation(observation_id: ObservationId, call: Caller) -> ObservationShape:
    """One of the caller's observations."""
    return views.observation_shape(call.session, _own(call, observation_id))


@router.get("/observations/{observation_id}/receipt", response_model=ReceiptShape)
def read_receipt(observation_id: ObservationId, call: Caller) -> ReceiptShape:
    """The receipt with its proof: everything needed to check the observation offline."""
    return views.receipt_shape(call.session, _own(call, observation_id))


@router.get("/observations/{observation_id}/media/{sha256}", response_class=Response)
def read_media(
    observation_id: ObservationId,
    sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
    call: Caller,
    request: Request,
) -> Response:
    """The buyer's copy, without metadata; one `Range` of bytes at a time. The original stays sealed."""
    observation = _own(call, observation_id)
    item = call.session.get(Media, (observation.capture, sha256, "derivative"))
    if item is None:
        raise errors.NotFound("no such media")
    return handing_out.answer(request, item)
