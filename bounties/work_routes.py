"""HTTP doors of the giving side: find, claim, commit, deliver, submit, appeal; and the operator's."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from bounties import claims, handing_out, reviews, rules, search, submissions, uploads, views
from bounties.routes import After, BountyId, Limit
from bounties.rules import ClaimState
from bounties.schemas import (
    Appeal,
    CapturePage,
    CaptureShape,
    Cards,
    ClaimBounty,
    ClaimShape,
    Clawback,
    Commit,
    Committed,
    Decide,
    Delivered,
    PartShape,
    Reviews,
    ReviewShape,
    SendPart,
    SubmitCapture,
)
from core import clock, errors
from core.accounts.door import Caller
from core.accounts.rules import Scope, unb64u
from core.geo import MAX_RADIUS_M, Spot
from verification.codes import new_code

router = APIRouter(prefix="/v1", tags=["captures"])

ClaimId = Annotated[str, Path(pattern=r"^clm_[0-9a-z]{26}$")]
CaptureId = Annotated[str, Path(pattern=r"^cap_[0-9a-z]{26}$")]


# Declared before /bounties/{bounty_id}: the roots include this router first.
@router.get("/bounties/near", response_model=Cards)
def near(
    call: Caller,
    lat: Annotated[float, Query(ge=-90, le=90)],
    lon: Annotated[float, Query(ge=-180, le=180)],
    radius_m: Annotated[float, Query(gt=0, le=MAX_RADIUS_M)] = 5_000.0,
) -> Cards:
    """Bounties that can be claimed near a place, nearest first. The place asked about is not stored."""
    call.require(Scope.CONTRIBUTE)
    found = search.near(call.session, Spot(lat, lon), radius_m, now=clock.now())
    return Cards(items=[views.card(call.session, bounty, distance) for bounty, distance in found])


@router.post("/bounties/{bounty_id}/claims", status_code=201, response_model=ClaimShape)
def claim_bounty(bounty_id: BountyId, body: ClaimBounty, call: Caller, request: Request) -> JSONResponse:
    """Reserves a slot until the deadline and sets the challenge."""
    call.require(Scope.CONTRIBUTE)
    hold_for = timedelta(minutes=request.app.state.settings.claim_minutes)

    def effect() -> ClaimShape:
        made = claims.claim_bounty(
            call.session,
            call.account,
            bounty_id,
            body.device,
            hold_for=hold_for,
            new_code=new_code,
            now=clock.now(),
        )
        return views.claim_shape(call.session, made)

    return call.once(body, effect)


@router.get("/claims/{claim_id}", response_model=ClaimShape)
def read_claim(claim_id: ClaimId, call: Caller) -> ClaimShape:
    """One of the caller's claims."""
    call.require(Scope.READ)
    return views.claim_shape(call.session, claims.own_claim(call.session, call.account, claim_id))


@router.post("/claims/{claim_id}/abandon", response_model=ClaimShape)
def abandon(claim_id: ClaimId, call: Caller) -> JSONResponse:
    """Gives a claim up; its slot is free for others at once."""
    call.require(Scope.CONTRIBUTE)

    def effect() -> ClaimShape:
        now = clock.now()
        claim = claims.active_claim(call.session, call.account, claim_id, now)
        claims.end_claim(call.session, claim, ClaimState.ABANDONED, now=now, actor=call.account)
        return views.claim_shape(call.session, claim)

    return call.once(None, effect, 200)


@router.post("/claims/{claim_id}/commitment", response_model=Committed)
def commit(claim_id: ClaimId, body: Commit, call: Caller) -> JSONResponse:
    """Takes the signed hash of the statement: send it at the first signal, the media can follow later."""
    call.require(Scope.CONTRIBUTE)

    def effect() -> Committed:
        now = clock.now()
        claim = claims.active_claim(call.session, call.account, claim_id, now)
        signature = _signature(body.signature)
        received = submissions.commit(call.session, claim, bytes.fromhex(body.commitment), signature, now=now)
        return Committed(received_at=received)

    return call.once(body, effect, 200)


def _takes(types: Iterable[str]) -> dict[str, Any]:
    """What an upload's body may be, for /openapi.json: it is streamed, and no parameter of its route."""
    form = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": dict.fromkeys(sorted(types), form)}}


_MEDIA_TYPES = {name for upload in rules.MEDIA.values() for name in upload.types}


@router.put("/claims/{claim_id}/media", response_model=Delivered, openapi_extra=_takes(_MEDIA_TYPES))
async def deliver(
    claim_id: ClaimId,
    request: Request,
    authorization: Annotated[str | None, Header()] = None,
    content_type: Annotated[str, Header()] = "image/jpeg",
) -> Delivered:
    """Takes the original bytes and seals them: a photo's at most 32 MiB, a video's at most 200 MB (and more
    than those of its kind answers 413). The same bytes again are fine."""
    media_type = content_type.partition(";")[0].strip().lower()  # a recorder's names its codecs behind it
    return await uploads.take_in(request, claim_id, authorization, media_type)


@router.put(
    "/claims/{claim_id}/burst", response_model=Delivered, openapi_extra=_takes({submissions.BURST_TYPE})
)
async def deliver_burst(
    claim_id: ClaimId,
    request: Request,
    authorization: Annotated[str | None, Header()] = None,
    content_type: Annotated[str, Header()] = submissions.BURST_TYPE,
) -> Delivered:
    """Takes the burst's file, at most 8 MiB, and seals it (see `docs/api.md`). The same again is fine."""
    if content_type != submissions.BURST_TYPE:
        raise errors.BadInput("a burst is a ZIP archive", allowed=[submissions.BURST_TYPE])
    return await uploads.take_in(request, claim_id, authorization, content_type, burst=True)


@router.post("/claims/{claim_id}/parts", response_model=PartShape)
def send_part(claim_id: ClaimId, body: SendPart, call: Caller) -> JSONResponse:
    """Takes one signed batch of readings of a stream, in order."""
    call.require(Scope.CONTRIBUTE)

    def effect() -> PartShape:
        now = clock.now()
        claim = claims.active_claim(call.session, call.account, claim_id, now)
        signature = _signature(body.signature)
        readings = submissions.add_part(call.session, claim, body.part, body.payload, signature, now=now)
        return PartShape(part=body.part, readings=readings, next_part=body.part + 1)

    return call.once(body, effect, 200)


@router.post("/claims/{claim_id}/captures", status_code=202, response_model=CaptureShape)
def submit_capture(claim_id: ClaimId, body: SubmitCapture, call: Caller) -> JSONResponse:
    """Hands the capture in for its verdict."""
    call.require(Scope.CONTRIBUTE)

    def effect() -> CaptureShape:
        now = clock.now()
        claim = claims.active_claim(call.session, call.account, claim_id, now)
        signature = _signature(body.signature)
        made = submissions.submit_capture(
            call.session, claim, body.statement, signature, body.answer, now=now
        )
        return views.capture_shape(call.session, made)

    return call.once(body, effect, 202)


@router.get("/captures", response_model=CapturePage)
def list_captures(call: Caller, after: After = None, limit: Limit = 20) -> CapturePage:
    """The caller's captures, newest first."""
    call.require(Scope.READ)
    found = submissions.captures_of(call.session, call.account, after=after, limit=limit)
    items = [views.capture_shape(call.session, capture) for capture in found]
    return CapturePage(items=items, next=items[-1].id if len(items) == limit else None)


@router.get("/captures/{capture_id}", response_model=CaptureShape)
def read_capture(capture_id: CaptureId, call: Caller) -> CaptureShape:
    """One of the caller's captures."""
    call.require(Scope.READ)
    return views.capture_shape(call.session, submissions.own_capture(call.session, call.account, capture_id))


@router.post("/captures/{capture_id}/appeal", status_code=202, response_model=CaptureShape)
def appeal(capture_id: CaptureId, body: Appeal, call: Caller) -> JSONResponse:
    """Asks a person to look again at a rejection."""
    call.require(Scope.CONTRIBUTE)

    def effect() -> CaptureShape:
        capture = submissions.own_capture(call.session, call.account, capture_id)
        reviews.appeal(call.session, capture, body.statement, now=clock.now())
        return views.capture_shape(call.session, capture)

    return call.once(body, effect, 202)


@router.get("/reviews", response_model=Reviews)
def list_reviews(call: Caller, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Reviews:
    """What waits for a person, oldest first (operators)."""
    call.require(Scope.REVIEW)
    found = reviews.waiting(call.session, limit=limit)
    return Reviews(items=[views.review_shape(call.session, capture) for capture in found])


@router.get("/reviews/{capture_id}/media/{sha256}", response_class=Response)
def review_media(
    capture_id: CaptureId,
    sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
    call: Caller,
    request: Request,
) -> Response:
    """The copy a buyer would get, for the person who decides. Only while somebody has to decide."""
    call.require(Scope.REVIEW)
    item = reviews.media(call.session, capture_id, sha256)
    return handing_out.answer(request, item)


@router.post("/reviews/{capture_id}", response_model=ReviewShape)
def decide(capture_id: CaptureId, body: Decide, call: Caller) -> JSONResponse:
    """A named reviewer's decision: accept pays, in the same commit."""
    call.require(Scope.REVIEW)

    def effect() -> ReviewShape:
        decided = reviews.decide(
            call.session, capture_id, body.verdict, body.note, reviewer=call.account, now=clock.now()
        )
        return views.review_shape(call.session, decided)

    return call.once(body, effect, 200)


@router.post("/captures/{capture_id}/clawback", response_model=CaptureShape)
def clawback(capture_id: CaptureId, body: Clawback, call: Caller) -> JSONResponse:
    """Takes an accepted capture's reward back while it is held back (operators); the payer gets its money."""
    call.require(Scope.ADMIN)

    def effect() -> CaptureShape:
        revoked = reviews.revoke(call.session, capture_id, body.why, operator=call.account, now=clock.now())
        return views.capture_shape(call.session, revoked)

    return call.once(body, effect, 200)


def _signature(text: str) -> bytes:
    try:
        return unb64u(text)
    except ValueError as error:
        raise errors.BadSignature("the signature is not base64url") from error
