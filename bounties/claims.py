"""Claims: take a slot, get a challenge, commit, deliver, submit. The only writer of claims and parts."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from jsonschema import Draft202012Validator
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bounties import rules, service
from bounties.rules import BountyState, CaptureState, ClaimState, Kind, SlotState
from bounties.tables import Bounty, Capture, Claim, Counter, Media, Slot, StreamPart
from core import clock, errors, states
from core.accounts import service as accounts
from core.accounts.rules import DeviceKind, part_message, signature_fits, statement_message
from core.accounts.tables import Device
from core.db import insert_once
from core.ids import new_id
from core.queue import enqueue
from core.wire import cleaned
from verification.evidence import Family

RESEND_AFTER = timedelta(seconds=1)
MAX_STATEMENT = 4096
MAX_ANSWER = 4096
MAX_DELIVERIES = 10
MAX_ACTIVE_CLAIMS = 5
MAX_PART = 64 * 1024
MAX_PARTS = 1000
MAX_MEDIA = 32 * 1024 * 1024


def claim_bounty(
    session: Session,
    account: str,
    bounty_id: str,
    device_id: str,
    *,
    hold_for: timedelta,
    new_code: Callable[[], str],
    now: datetime,
) -> Claim:
    """Reserves a slot for a contributor and sets the challenge.

    Args:
        hold_for: how long the slot is kept; never past the bounty's closing.
        new_code: makes the code to be seen in the scene (used where the tier asks for one).

    Raises:
        NotFound: no such bounty or device. StateConflict: not open now, or one's own bounty, or a claim
        of this contributor is active already. NothingLeft: no slot. BadInput: the wrong kind of device.
    """
    bounty = session.get(Bounty, bounty_id)
    if bounty is None:
        raise errors.NotFound("no such bounty")
    device = accounts.own_device(session, account, device_id)
    _check_claim(bounty, device, account, now)
    active = select(Claim.id).where(
        Claim.bounty == bounty.id, Claim.account == account, Claim.status == ClaimState.ACTIVE.value
    )
    mine = select(func.count()).where(Claim.account == account, Claim.status == ClaimState.ACTIVE.value)
    if (session.scalar(mine) or 0) >= MAX_ACTIVE_CLAIMS:
        raise errors.StateConflict(
            f"you hold {MAX_ACTIVE_CLAIMS} claims", hint="Finish or abandon one first."
        )
    if session.scalar(active) is not None:
        raise errors.StateConflict(
            "you hold a claim on this bounty already", hint="Finish or abandon it first."
        )
    slot = service.take_slot(session, bounty, now=now, actor=account)
    needs_code = Family.CHALLENGE in rules.required_families(bounty.kind, bounty.tier)
    values = {
        "id": new_id("clm"),
        "bounty": bounty.id,
        "slot": slot.id,
        "account": account,
        "device": device.id,
        "status": ClaimState.ACTIVE.value,
        "nonce": secrets.token_hex(32),
        "code": new_code() if needs_code else "",
        "issued_at": now,
        "deadline": min(now + hold_for, bounty.closes_at),
    }
    claim = Claim(**values)
    session.add(claim)
    states.began(session, claim, now=now, tenant=account, actor=account)
    return claim


def _check_claim(bounty: Bounty, device: Device, account: str, now: datetime) -> None:
    if bounty.status != BountyState.OPEN or not bounty.opens_at <= now < bounty.closes_at:
        raise errors.StateConflict("this bounty takes no claims now", status=bounty.status)
    if bounty.account == account:
        raise errors.StateConflict("nobody fulfils their own bounty")
    wanted = DeviceKind.INSTRUMENT if bounty.kind == Kind.STREAM else DeviceKind.PHONE
    if device.kind != wanted:
        raise errors.BadInput(f"a {bounty.kind} bounty needs a device of kind {wanted.value}")


def own_claim(session: Session, account: str, claim_id: str) -> Claim:
    """A claim of this contributor. Raises NotFound otherwise."""
    claim = session.get(Claim, claim_id)
    if claim is None or claim.account != account:
        raise errors.NotFound("no such claim")
    return claim


def active_claim(session: Session, account: str, claim_id: str, now: datetime) -> Claim:
    """A claim that can still be worked on.

    Raises:
        NotFound; StateConflict: submitted, given up, or past its deadline.
    """
    claim = own_claim(session, account, claim_id)
    session.refresh(claim, with_for_update=True)
    if claim.status != ClaimState.ACTIVE or claim.deadline <= now:
        status = claim.status if claim.status != ClaimState.ACTIVE else ClaimState.EXPIRED.value
        raise errors.StateConflict("this claim is over", status=status, hint="Claim the bounty again.")
    return claim


def end_claim(session: Session, claim: Claim, to: ClaimState, *, now: datetime, actor: str) -> None:
    """Gives a claim up (or lets it lapse) and frees its slot."""
    states.move(session, claim, to, rules.CLAIM, now=now, tenant=claim.account, actor=actor)
    bounty, slot = session.get_one(Bounty, claim.bounty), session.get_one(Slot, claim.slot)
    service.free_slot(session, bounty, slot, now=now, actor=actor)


def expire_claim(session: Session, claim_id: str, *, now: datetime) -> bool:
    """Lets a claim lapse whose deadline has passed. False when there is nothing to do."""
    # Locked and read anew: of two sweepers the second finds it done, and does not collide with the first.
    claim = session.get_one(Claim, claim_id, with_for_update=True, populate_existing=True)
    if claim.status != ClaimState.ACTIVE or claim.deadline > now:
        return False
    end_claim(session, claim, ClaimState.EXPIRED, now=now, actor="sweeper")
    return True


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


def count_delivery(session: Session, claim: Claim) -> None:
    """Counts an upload to a claim: retakes and retries are welcome, filling the disk is not.

    Raises:
        TooMany: over MAX_DELIVERIES for this claim.
    """
    if claim.deliveries >= MAX_DELIVERIES:
        raise errors.TooMany("this claim has had too many uploads", hint="Submit, or claim again.")
    claim.deliveries += 1
    session.flush()


def deliver(session: Session, claim: Claim, sha256: str, media_type: str, size: int) -> None:
    """Notes which sealed original is this claim's media; a later one replaces it until submission."""
    claim.media_sha256, claim.media_type, claim.media_size = sha256, media_type, size
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
    if bounty.kind == Kind.PHOTO and claim.media_sha256 is None:
        raise errors.BadInput("no media was delivered", hint="PUT /v1/claims/{id}/media first.")
    if bounty.kind == Kind.STREAM and not parts_of(session, claim):
        raise errors.BadInput("no part was delivered", hint="POST /v1/claims/{id}/parts first.")
    schema = bounty.terms["answer_schema"]
    if len(json.dumps(answer)) > MAX_ANSWER:
        raise errors.TooLarge("the answer is too long", limit=MAX_ANSWER)
    if schema and not Draft202012Validator(schema).is_valid(answer):
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
