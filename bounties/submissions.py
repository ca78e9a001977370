"""Submissions: commit, deliver, hand in. The only writer of captures' beginnings and of stream parts."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, case, func, or_, select, update
from sqlalchemy.orm import Session

from bounties import rules, service
from bounties.rules import CaptureState, ClaimState, Kind, SlotState
from bounties.tables import Bounty, Capture, Claim, Counter, Media, Original, Slot, StreamPart
from core import clock, errors, states
from core.accounts.rules import part_message, signature_fits, statement_message
from core.accounts.tables import Device
from core.db import insert_once
from core.ids import new_id
from core.queue import enqueue
from core.storage import Storage
from core.wire import cleaned
from verification.answers import fits

RESEND_AFTER = timedelta(seconds=1)
MAX_STATEMENT = 4096
MAX_ANSWER = 4096
MAX_DELIVERIES = 10
MAX_BEGUN = 50  # uploads to one claim, with those that the network cut off
MAX_UNUSED = 2_000_000_000  # bytes an account may have uploaded that no capture has: ten of the largest films
UNUSED_RETRY_S = 3600
MAX_PART = 64 * 1024
MAX_PARTS = 1000
BURST_TYPE = "application/zip"
KEEP_UNNAMED = timedelta(days=1)


def commit(session: Session, claim: Claim, commitment: bytes, signature: bytes, *, now: datetime) -> datetime:
    """Records the signed hash of the statement: from now on the capture cannot change.

    Returns:
        The server's time of the first receipt; the same commitment again gives the same time.

    Raises:
        BadSignature: not by the claim's device. StateConflict: another commitment came before.
    """
    device = session.get_one(Device, claim.device)
    message = statement_message(commitment)
    if not signature_fits(device.algorithm, device.public_key, signature, message):
        raise errors.BadSignature("the commitment is not signed by this claim's device")
    if claim.committed_at is not None:
        if claim.commitment != commitment.hex():
            raise errors.StateConflict("this claim is committed to another statement")
        return claim.committed_at
    claim.commitment, claim.commitment_signature, claim.committed_at = commitment.hex(), signature, now
    session.flush()
    return now


def begin_upload(session: Session, claim: Claim, length: int, *, now: datetime) -> None:
    """Counts an upload that begins: those that the network cuts off may be more than deliveries are.

    Args:
        length: as the sender states it; 0 when it does not.

    Raises:
        StateConflict: MAX_BEGUN of this claim. StateConflict, TooMany: what `count_delivery` does not let in.
    """
    if claim.uploads_begun >= MAX_BEGUN:
        raise errors.StateConflict("too many uploads to this claim were begun", hint="Claim again.")
    _check_room(session, claim, length, now)
    claim.uploads_begun += 1
    session.flush()


def count_delivery(session: Session, claim: Claim, size: int, *, now: datetime) -> None:
    """Counts an upload that came whole: retakes and retries are welcome, filling the disk is not.

    Raises:
        StateConflict: over MAX_DELIVERIES for this claim, which no waiting mends.
        TooMany: over MAX_UNUSED bytes of this account.
    """
    _check_room(session, claim, size, now)
    claim.deliveries += 1
    claim.bytes_taken += size
    session.flush()


def count_refused(session: Session, claim_id: str) -> None:
    """Counts an upload that was refused for what it is as if it had been taken."""
    session.execute(update(Claim).where(Claim.id == claim_id).values(deliveries=Claim.deliveries + 1))


def _check_room(session: Session, claim: Claim, size: int, now: datetime) -> None:
    if claim.deliveries >= MAX_DELIVERIES:
        raise errors.StateConflict("this claim has had too many uploads", hint="Submit, or claim again.")
    unused = unused_bytes(session, claim.account, now=now)
    if unused + size > MAX_UNUSED:
        raise errors.TooMany(
            "uploads of this account that became no capture fill its room",
            hint="Submit what is uploaded; what became no capture is dropped after a day.",
            unused=unused,
            limit=MAX_UNUSED,
            retry_after=UNUSED_RETRY_S,
        )


def unused_bytes(session: Session, account: str, *, now: datetime) -> int:
    """What an account uploaded and no capture has (retakes, claims let go): it is kept for a day."""
    handed_in = func.coalesce(Claim.media_size, 0) + func.coalesce(Claim.burst_size, 0)
    used = case((Claim.status == ClaimState.SUBMITTED.value, handed_in), else_=0)
    late = Claim.deadline > now - KEEP_UNNAMED
    found = select(func.sum(Claim.bytes_taken - used)).where(Claim.account == account, late)
    return int(session.scalar(found) or 0)


def note_original(session: Session, sha256: str, *, now: datetime) -> None:
    """Notes that bytes are about to be sealed; committed before they are, so that none is forgotten."""
    again = update(Original).where(Original.sha256 == sha256).values(received_at=now)
    while not insert_once(session, Original, {"sha256": sha256, "received_at": now}, ["sha256"]):
        # The row may be dropped while this waits for its lock: then it is inserted after all.
        if session.scalar(again.returning(Original.sha256)) is not None:
            return


def unnamed_originals(session: Session, *, now: datetime, limit: int) -> list[str]:
    """Originals taken in over a day ago that no capture and no live claim names, oldest first."""
    return list(session.scalars(_unnamed(now).order_by(Original.received_at).limit(limit)))


def _unnamed(now: datetime) -> Select[str]:
    of_captures = select(Media.sha256).where(Media.sha256 == Original.sha256, Media.role != "derivative")
    named = or_(Claim.media_sha256 == Original.sha256, Claim.burst_sha256 == Original.sha256)
    of_claims = select(Claim.id).where(named, Claim.status == ClaimState.ACTIVE.value)
    return select(Original.sha256).where(
        Original.received_at <= now - KEEP_UNNAMED, ~of_captures.exists(), ~of_claims.exists()
    )


def drop_original(session: Session, storage: Storage, sha256: str, *, now: datetime) -> bool:
    """Drops one unnamed original for good. False when it was sent again meanwhile.

    The bytes go while the row is locked: an upload of the same bytes waits in `note_original` and then
    seals them anew. If the commit fails the row is still there, and is swept again.
    """
    row = session.get(Original, sha256, with_for_update=True, populate_existing=True)
    if row is None or session.scalar(_unnamed(now).where(Original.sha256 == sha256)) is None:
        return False
    storage.drop_original(sha256)
    session.delete(row)
    session.flush()
    return True


def check_upload(session: Session, claim: Claim, media_type: str, length: int) -> int:
    """The most bytes that this claim's media may have.

    Args:
        length: as the sender states it; 0 when it does not.

    Raises:
        BadInput: a Content-Type that this kind of bounty does not take. TooLarge: it says it is.
    """
    kind = Kind(session.get_one(Bounty, claim.bounty).kind)
    taken = rules.MEDIA.get(kind)
    if taken is None:
        raise errors.BadInput(f"a {kind.value} has no media", hint="POST /v1/claims/{id}/parts instead.")
    if media_type not in taken.types:
        raise errors.BadInput(f"Content-Type is not a {kind.value}'s", allowed=sorted(taken.types))
    if length > taken.limit:
        raise errors.TooLarge(f"the {kind.value} is too large", limit=taken.limit)
    return taken.limit


def deliver(session: Session, claim: Claim, sha256: str, media_type: str, size: int) -> None:
    """Notes which sealed original is this claim's media; a later one replaces it until submission."""
    claim.media_sha256, claim.media_type, claim.media_size = sha256, media_type, size
    session.flush()


def deliver_burst(session: Session, claim: Claim, sha256: str, size: int) -> None:
    """Notes which sealed file is this claim's burst; a later one replaces it until submission."""
    claim.burst_sha256, claim.burst_size = sha256, size
    session.flush()


def add_part(
    session: Session, claim: Claim, number: int, payload: str, signature: bytes, *, now: datetime
) -> int:
    """Takes one signed batch of a stream, in order. The same part again is fine.

    Returns:
        The number of readings in the part (0 when the payload is not what it should be: the checks say so).

    Raises:
        BadSignature: not by this claim's device. BadInput: too long, or not the next part.
        StateConflict: another payload under this number came before.
    """
    bounty, device = session.get_one(Bounty, claim.bounty), session.get_one(Device, claim.device)
    if bounty.kind != Kind.STREAM:
        raise errors.BadInput("this bounty does not ask for a stream")
    if len(payload.encode()) > MAX_PART:
        raise errors.TooLarge("a part is too long", limit=MAX_PART)
    if not signature_fits(device.algorithm, device.public_key, signature, part_message(payload)):
        raise errors.BadSignature("the part is not signed by this claim's device")
    count = session.scalar(select(func.count()).where(StreamPart.claim == claim.id)) or 0
    if number > count or number >= MAX_PARTS:
        raise errors.BadInput("parts come in order from 0", next_part=count)
    values = {
        "claim": claim.id,
        "number": number,
        "payload": payload,
        "signature": signature,
        **_look_into(payload),
        "received_at": now,
    }
    if not insert_once(session, StreamPart, values, ["claim", "number"]):
        before = session.get_one(StreamPart, (claim.id, number))
        if before.payload != payload:
            raise errors.StateConflict("another payload was sent as this part")
    return int(str(values["readings"]))


def _look_into(payload: str) -> dict[str, Any]:
    """How many readings a part holds and when the last was taken; the checks judge what they are."""
    try:
        readings = json.loads(payload)["readings"]
        return {"readings": len(readings), "last_at": clock.parse_instant(readings[-1][1])}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {"readings": 0, "last_at": None}


def last_reading_at(session: Session, device: str, before_order: int) -> datetime | None:
    """When the newest reading was taken that this device handed in earlier (refused captures aside)."""
    refused = (CaptureState.REJECTED.value, CaptureState.UPHELD.value)
    return session.scalar(
        select(func.max(StreamPart.last_at))
        .join(Claim, Claim.id == StreamPart.claim)
        .join(Capture, Capture.claim == Claim.id)
        .where(Claim.device == device, Capture.order < before_order, Capture.status.not_in(refused))
    )


def parts_of(session: Session, claim: Claim) -> list[StreamPart]:
    """A stream's parts in order."""
    found = select(StreamPart).where(StreamPart.claim == claim.id).order_by(StreamPart.number)
    return list(session.scalars(found))


def submit_capture(
    session: Session, claim: Claim, statement: str, signature: bytes, answer: Any, *, now: datetime
) -> Capture:
    """Hands a capture in for its verdict.

    Raises:
        BadInput: no media, an answer that does not fit the schema, a statement that is no JSON object.
        StateConflict: the claim was submitted or lapsed meanwhile.
    """
    bounty, slot = session.get_one(Bounty, claim.bounty), session.get_one(Slot, claim.slot)
    # Cleaned once, here: what is judged, receipted and shown to an agent is the same text.
    answer = cleaned(answer)
    _check_submission(session, bounty, claim, statement, answer)
    states.move(
        session, claim, ClaimState.SUBMITTED, rules.CLAIM, now=now, tenant=claim.account, actor=claim.account
    )
    service.move_slot(session, bounty, slot, SlotState.JUDGED, now=now, actor=claim.account)
    capture = Capture(
        id=new_id("cap"),
        order=next_order(session),
        claim=claim.id,
        bounty=bounty.id,
        account=claim.account,
        status=CaptureState.SUBMITTED.value,
        statement=statement,
        signature=signature,
        answer={"value": answer},
        submitted_at=now,
        due_at=now + RESEND_AFTER,
        reasons=[],
    )
    session.add(capture)
    states.began(session, capture, now=now, tenant=claim.account, actor=claim.account)
    session.add(_original(session, claim, capture.id))
    if claim.burst_sha256 is not None:
        kept = {"media_type": BURST_TYPE, "size": claim.burst_size or 0}
        session.add(Media(capture=capture.id, sha256=claim.burst_sha256, role="burst", **kept))
    session.flush()
    enqueue(session, "bounties.judge_capture", capture.id)
    return capture


def _original(session: Session, claim: Claim, capture_id: str) -> Media:
    if claim.media_sha256 is not None:
        sha256, media_type, size = claim.media_sha256, claim.media_type or "", claim.media_size or 0
    else:
        data = stream_bytes(parts_of(session, claim))
        sha256, media_type, size = hashlib.sha256(data).hexdigest(), "application/x-ndjson", len(data)
    return Media(capture=capture_id, sha256=sha256, role="original", media_type=media_type, size=size)


def stream_bytes(parts: list[StreamPart]) -> bytes:
    """A stream's media: its payloads, one a line. This is what the final statement's SHA-256 is over."""
    return "\n".join(part.payload for part in parts).encode()


def _check_submission(session: Session, bounty: Bounty, claim: Claim, statement: str, answer: Any) -> None:
    if len(statement.encode()) > MAX_STATEMENT:
        raise errors.TooLarge("the statement is too long", limit=MAX_STATEMENT)
    try:
        parsed = json.loads(statement)
    except (ValueError, RecursionError) as error:
        raise errors.BadInput("the statement is not JSON") from error
    if not isinstance(parsed, dict):
        raise errors.BadInput("the statement is not a JSON object")
    if bounty.kind != Kind.STREAM and claim.media_sha256 is None:
        raise errors.BadInput("no media was delivered", hint="PUT /v1/claims/{id}/media first.")
    if rules.needs_burst(bounty.kind, bounty.tier) and claim.burst_sha256 is None:
        raise errors.BadInput("no burst was delivered", hint="PUT /v1/claims/{id}/burst first.")
    if bounty.kind == Kind.STREAM and not parts_of(session, claim):
        raise errors.BadInput("no part was delivered", hint="POST /v1/claims/{id}/parts first.")
    schema = bounty.terms["answer_schema"]
    if len(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_ANSWER:
        raise errors.TooLarge("the answer is too long", limit=MAX_ANSWER)
    if schema and not fits(schema, answer):
        raise errors.BadInput("the answer does not fit the bounty's answer_schema")
    if not schema and answer is not None:
        raise errors.BadInput("this bounty asks no question")


def next_order(session: Session) -> int:
    """The next place in the order of all submissions: gapless, and in commit order.

    The counter's row stays locked until this transaction ends, so no capture with a smaller number can
    become visible later. On that rests "earlier submitted" in the duplicate check (docs/decisions/0003).
    """
    counted = update(Counter).where(Counter.name == "captures").values(value=Counter.value + 1)
    number = session.scalar(counted.returning(Counter.value))
    if number is None:  # the first capture ever
        insert_once(session, Counter, {"name": "captures", "value": 0}, ["name"])
        number = session.scalars(counted.returning(Counter.value)).one()
    return number


def captures_of(session: Session, account: str, *, after: str | None, limit: int) -> list[Capture]:
    """A contributor's captures, newest first."""
    found = select(Capture).where(Capture.account == account).order_by(Capture.id.desc()).limit(limit)
    if after is not None:
        found = found.where(Capture.id < after)
    return list(session.scalars(found))


def own_capture(session: Session, account: str, capture_id: str) -> Capture:
    """A capture of this contributor. Raises NotFound otherwise."""
    capture = session.get(Capture, capture_id)
    if capture is None or capture.account != account:
        raise errors.NotFound("no such capture")
    return capture
