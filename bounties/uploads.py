"""Taking in a capture's bytes: from the socket into the sealed storage, a piece at a time.

Whatever ends an upload early leaves nothing behind: what has come lies in a file without a name until the
last byte is there (`core.storage.Incoming`), and only then is it noted, kept and named by its claim.
"""

from __future__ import annotations

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from bounties import claims, submissions
from bounties.schemas import Delivered
from core import clock, errors
from core.accounts.door import database, who
from core.accounts.rules import Scope
from core.db import Database
from core.sealing import PIECE
from core.storage import Incoming, Storage
from verification.burst_file import MAX_BYTES as MAX_BURST


async def take_in(
    request: Request, claim_id: str, authorization: str | None, media_type: str, *, burst: bool = False
) -> Delivered:
    """The media of a claim, or its burst.

    Raises:
        Unauthenticated, Forbidden, NotFound, StateConflict: who, or which claim. TooMany: uploads to it.
        BadInput: another kind's Content-Type, nothing, or cut off. TooLarge.
    """
    opened: Database = database(request)
    storage: Storage = request.app.state.storage
    account = await run_in_threadpool(who, opened, authorization, Scope.CONTRIBUTE)
    length = int(request.headers.get("content-length", "0"))  # digits: the envelope has looked
    limit = await run_in_threadpool(_check_claim, opened, account, claim_id, media_type, length, burst)
    upload = await run_in_threadpool(storage.incoming)
    try:
        await _receive(request, upload, limit)
        return await run_in_threadpool(_keep, opened, storage, upload, account, claim_id, media_type, burst)
    finally:
        upload.close()


def _check_claim(
    opened: Database, account: str, claim_id: str, media_type: str, length: int, burst: bool
) -> int:
    """Before a byte is read: the claim is live, and has not been delivered to too often. Gives the most
    bytes there may be."""
    with opened.transaction() as session:
        claim = claims.active_claim(session, account, claim_id, clock.now())
        limit = MAX_BURST if burst else submissions.check_upload(session, claim, media_type, length)
        submissions.count_delivery(session, claim)
        return limit


async def _receive(request: Request, upload: Incoming, limit: int) -> None:
    """The body, into the upload; written in pieces, for each takes a thread."""
    waiting, size = bytearray(), 0
    try:
        async for chunk in request.stream():
            waiting += chunk
            size += len(chunk)
            if size > limit:
                raise errors.TooLarge("the upload is too large", limit=limit)
            if len(waiting) >= PIECE:
                await run_in_threadpool(upload.write, bytes(waiting))
                waiting.clear()
    except ClientDisconnect:
        # Phones lose their signal in mid-upload: nobody is there to answer, and it is no fault of ours.
        raise errors.BadInput("the upload was cut off", hint="Send it again.") from None
    if not size:
        raise errors.BadInput("the body is empty")
    await run_in_threadpool(upload.write, bytes(waiting))


def _keep(
    opened: Database,
    storage: Storage,
    upload: Incoming,
    account: str,
    claim_id: str,
    media_type: str,
    burst: bool,
) -> Delivered:
    with opened.transaction() as session:
        submissions.note_original(session, upload.sha256, now=clock.now())
    sha256, size = storage.take(upload), upload.size
    with opened.transaction() as session:
        claim = claims.active_claim(session, account, claim_id, clock.now())
        if burst:
            submissions.deliver_burst(session, claim, sha256, size)
        else:
            submissions.deliver(session, claim, sha256, media_type, size)
    return Delivered(sha256=sha256, size=size)
