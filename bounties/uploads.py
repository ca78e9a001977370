"""Taking in a capture's bytes: from the socket into the sealed storage, a piece at a time.

Whatever ends an upload early leaves nothing behind: what has come lies in a file without a name until the
last byte is there (`core.storage.Incoming`), and only then is it noted, kept and named by its claim. One that
the network cut off, or that came too slowly, is no delivery: those are few to a claim, beginnings are more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from bounties import claims, submissions
from bounties.rules import MAX_MEDIA
from bounties.schemas import Delivered
from bounties.under_way import Pace, UnderWay
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
        Unauthenticated, Forbidden, NotFound, StateConflict: who, or which claim, or uploads to it. TooMany:
        uploads under way, or kept for nothing. BadInput: another kind's Content-Type, nothing, or cut off.
        TooLarge. UploadTooSlow.
    """
    opened: Database = database(request)
    storage: Storage = request.app.state.storage
    under_way: UnderWay = request.app.state.under_way
    account = await run_in_threadpool(who, opened, authorization, Scope.CONTRIBUTE)
    length = int(request.headers.get("content-length", "0"))  # digits: the envelope has looked
    with under_way.place(account, length or (MAX_BURST if burst else MAX_MEDIA)):
        limit, until = await run_in_threadpool(_begin, opened, account, claim_id, media_type, length, burst)
        upload = await run_in_threadpool(storage.incoming)
        try:
            fault = await _receive(request, upload, limit, Pace(until))
            if fault is not None:
                await run_in_threadpool(_count_refused, opened, claim_id)
                raise fault
            return await run_in_threadpool(
                _keep, opened, storage, upload, account, claim_id, media_type, burst
            )
        finally:
            upload.close()


def _begin(
    opened: Database, account: str, claim_id: str, media_type: str, length: int, burst: bool
) -> tuple[int, datetime]:
    """Before a byte is read: the claim is live, and there is room for more. Gives the most bytes there may
    be, and when the claim is over."""
    with opened.transaction() as session:
        now = clock.now()
        claim = claims.active_claim(session, account, claim_id, now)
        limit = MAX_BURST if burst else submissions.check_upload(session, claim, media_type, length)
        submissions.begin_upload(session, claim, length, now=now)
        return limit, claim.deadline


async def _receive(
    request: Request, upload: Incoming, limit: int, pace: Pace
) -> errors.SpotcheckError | None:
    """The body, into the upload; written in pieces, for each takes a thread.

    Returns:
        What is wrong with it as its sender meant it; None when it is whole.

    Raises:
        BadInput: it was cut off. UploadTooSlow, StateConflict: it did not come in time.
    """
    waiting, size, chunks = bytearray(), 0, request.stream()
    try:
        while (chunk := await _next(chunks, pace, size)) is not None:
            waiting += chunk
            size += len(chunk)
            if size > limit:
                return errors.TooLarge("the upload is too large", limit=limit)
            if len(waiting) >= PIECE:
                await run_in_threadpool(upload.write, bytes(waiting))
                waiting.clear()
    except TimeoutError:
        request.state.hangs_up = True  # what is left of the body is not waited for
        raise pace.fault(size) from None
    except HTTPException:  # the envelope's, at the most that any body may have
        return errors.TooLarge("the upload is too large", limit=limit)
    except ClientDisconnect:
        # Phones lose their signal in mid-upload: nobody is there to answer, and it is no fault of ours.
        raise errors.BadInput("the upload was cut off", hint="Send it again.") from None
    if not size:
        return errors.BadInput("the body is empty")
    await run_in_threadpool(upload.write, bytes(waiting))
    return None


async def _next(chunks: AsyncIterator[bytes], pace: Pace, received: int) -> bytes | None:
    """The next bytes; None at the end. Raises TimeoutError when they do not come in time."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(pace.left(received)):
            return await anext(chunks, None)
    finally:
        pace.waited += time.monotonic() - began


def _count_refused(opened: Database, claim_id: str) -> None:
    with opened.transaction() as session:
        submissions.count_refused(session, claim_id)


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
        now = clock.now()
        claim = claims.active_claim(session, account, claim_id, now)
        submissions.count_delivery(session, claim, upload.size, now=now)
        submissions.note_original(session, upload.sha256, now=now)
    sha256, size = storage.take(upload), upload.size
    with opened.transaction() as session:
        claim = claims.active_claim(session, account, claim_id, clock.now())
        if burst:
            submissions.deliver_burst(session, claim, sha256, size)
        else:
            submissions.deliver(session, claim, sha256, media_type, size)
    return Delivered(sha256=sha256, size=size)
