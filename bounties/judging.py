"""From SUBMITTED to one verdict: lease, evidence, and the commit that binds verdict, money and receipt.

Nothing here looks at pixels. A worker calls `start_examination` (transaction A), has the capture
examined with no transaction open, and calls `settle_capture` (transaction B).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session as DbSession

from bounties import receipts, rules, service
from bounties.rules import CaptureState
from bounties.submissions import last_reading_at, parts_of, stream_bytes
from bounties.tables import Bounty, Capture, Claim, Media, Slot
from core import states
from core.accounts.tables import Account, Device
from core.geo import Spot, area_from_geojson
from core.queue import enqueue
from core.states import History
from payments import escrow
from verification import telling
from verification.agreement import accuracy_of, choices_of
from verification.constants import calibration
from verification.evidence import (
    Burst,
    Derivative,
    Evidence,
    Other,
    Part,
    Report,
    Session,
    Standing,
    Terms,
    Verdict,
)
from verification.report_json import report_json

JUDGE = "bounties.judge_capture"
RESEND = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's right to settle one capture: void as soon as another attempt starts.

    Attributes:
        memory_fault: why the memory has no more of it than its bytes' name (`rules.MemoryFault`), or None.
    """

    capture: str
    attempt: int
    memory_fault: str | None = None


def order_if_waiting(session: DbSession, capture_id: str) -> int | None:
    """A submitted capture's place among all; None when another examines it, or it has its verdict."""
    waiting = (Capture.id == capture_id) & (Capture.status == CaptureState.SUBMITTED.value)
    return session.scalar(select(Capture.order).where(waiting))


def start_examination(
    session: DbSession, capture_id: str, *, lease: timedelta, now: datetime
) -> Lease | None:
    """Takes the lease on a submitted capture. None when another holds it, or it has its verdict."""
    capture = session.get_one(Capture, capture_id, with_for_update=True, populate_existing=True)
    if capture.status != CaptureState.SUBMITTED:
        return None
    _move(session, capture, CaptureState.EXAMINING, now, "worker")
    capture.attempts += 1
    capture.due_at = now + lease
    session.flush()
    return Lease(capture.id, capture.attempts, capture.memory_fault)


def renew(session: DbSession, held: Lease, *, lease: timedelta, now: datetime) -> bool:
    """Holds it for another lease. False when it is another's by now, or has its verdict."""
    mine = (
        (Capture.id == held.capture)
        & (Capture.status == CaptureState.EXAMINING.value)
        & (Capture.attempts == held.attempt)
    )
    renewed = update(Capture).where(mine).values(due_at=now + lease).returning(Capture.id)
    return session.scalar(renewed) is not None


def wake(session: DbSession, capture_id: str, *, now: datetime) -> bool:
    """Sends a capture to the workers again if it is due: the queue forgot it, or its worker died.

    `due_at` is when the sweeper looks again: of a submitted capture the next re-sending, of one in
    examination the end of its lease.
    """
    capture = session.get_one(Capture, capture_id, with_for_update=True, populate_existing=True)
    if capture.status not in rules.UNJUDGED or capture.due_at > now:
        return False
    if capture.status == CaptureState.EXAMINING:
        _move(session, capture, CaptureState.SUBMITTED, now, "sweeper", why="lease_ran_out")
    capture.due_at = now + RESEND
    session.flush()
    enqueue(session, JUDGE, capture.id)
    return True


def evidence_of(session: DbSession, capture_id: str) -> Evidence:
    """Everything the verifier may know of a capture, but the bytes of a photo or video and its burst."""
    capture = session.get_one(Capture, capture_id)
    claim, bounty = session.get_one(Claim, capture.claim), session.get_one(Bounty, capture.bounty)
    device = session.get_one(Device, claim.device)
    parts = parts_of(session, claim)
    rows = session.execute(
        select(Media.role, Media.sha256).where(Media.capture == capture.id, Media.role != "derivative")
    )
    sealed = {row.role: row.sha256 for row in rows}
    installed = Spot(device.lat, device.lon) if device.lat is not None and device.lon is not None else None
    return Evidence(
        capture=capture.id,
        order=capture.order,
        terms=_terms(bounty),
        session=_session(capture, claim, bounty, device),
        media=stream_bytes(parts) if parts else b"",
        media_sha256=sealed["original"],
        answer=capture.answer["value"],
        parts=tuple(Part(p.number, p.payload, p.signature, p.received_at) for p in parts),
        installed_at=installed,
        last_reading_at=last_reading_at(session, device.id, capture.order) if parts else None,
        standing=standing_of(session, capture),
        burst=Burst((), sha256=sealed["burst"]) if "burst" in sealed else None,
        others=others_of(session, capture, bounty),
        ties=_ties(capture, claim),
    )


def others_of(session: DbSession, capture: Capture, bounty: Bounty) -> tuple[Other, ...]:
    """What earlier accepted captures of its bounty answered."""
    found = session.execute(
        select(Capture, Claim)
        .join(Claim, Claim.id == Capture.claim)
        .where(
            Capture.bounty == bounty.id,
            Capture.order < capture.order,
            Capture.status == CaptureState.ACCEPTED,
        )
        .order_by(Capture.order)
    ).all()
    choices, used = choices_of(bounty.terms["answer_schema"]), calibration()
    return tuple(
        Other(
            other.answer["value"],
            accuracy_of(other.report, used, bounty.tier, choices),
            _ties(other, claim),
        )
        for other, claim in found
        if other.report is not None and other.answer["value"] is not None
    )


def _ties(capture: Capture, claim: Claim) -> frozenset[str]:
    """What makes two captures' answers one: the account and the device."""
    return frozenset({f"account:{capture.account}", f"device:{claim.device}"})


def standing_of(session: DbSession, capture: Capture) -> Standing:
    """What the capture's account did before: its age at the submission, and how earlier captures ended.

    Accepted by policy or by a person counts alike. Rejected counts also under appeal, upheld or revoked;
    not when nobody reviewed it in time, which says nothing of the account.
    """
    unreviewed = exists().where(
        History.subject == Capture.id,
        History.before == CaptureState.REVIEW,
        History.after == CaptureState.REJECTED,
        History.actor == "policy",
    )
    refused = Capture.status.in_(rules.REFUSED) & ~((Capture.status == CaptureState.REJECTED) & unreviewed)
    accepted, rejected = session.execute(
        select(
            func.count().filter(Capture.status == CaptureState.ACCEPTED), func.count().filter(refused)
        ).where(Capture.account == capture.account, Capture.order < capture.order)
    ).one()
    opened = session.get_one(Account, capture.account).created_at
    age = (capture.submitted_at - opened) / timedelta(days=1)
    return Standing(max(0.0, age), int(accepted), int(rejected))


def _terms(bounty: Bounty) -> Terms:
    schema = dict(bounty.terms["answer_schema"])
    if bounty.terms["stream"]:
        schema["x-stream"] = bounty.terms["stream"]
    return Terms(
        bounty=bounty.id,
        kind=bounty.kind,
        tier=bounty.tier,
        required=rules.required_families(bounty.kind, bounty.tier),
        area=area_from_geojson(bounty.terms["area"]),
        opens_at=bounty.opens_at,
        closes_at=bounty.closes_at,
        ask=bounty.ask,
        answer_schema=schema,
        stake_micros=bounty.reward,
    )


def _session(capture: Capture, claim: Claim, bounty: Bounty, device: Device) -> Session:
    return Session(
        claim=claim.id,
        account=claim.account,
        device=device.id,
        device_revoked=device.revoked_at is not None,
        algorithm=device.algorithm,
        public_key=device.public_key,
        nonce=claim.nonce,
        code=claim.code,
        pan=claim.pan,
        issued_at=claim.issued_at,
        deadline=claim.deadline,
        max_freshness_s=float(bounty.terms["max_freshness_s"]),
        commitment=bytes.fromhex(claim.commitment) if claim.commitment else None,
        committed_at=claim.committed_at,
        statement=capture.statement,
        signature=capture.signature,
        submitted_at=capture.submitted_at,
    )


def settle_capture(session: DbSession, lease: Lease, report: Report, *, now: datetime) -> Verdict | None:
    """Verdict, money and receipt in one commit.

    A proven copy of an earlier submission is refused whatever the fused probability says and whatever
    became of the earlier one: a second copy of a picture is not a fresh look.

    Returns:
        The verdict reached; None when this worker's lease is no longer the row's (another settles it;
        nothing changed).
    """
    capture = session.get_one(Capture, lease.capture, with_for_update=True, populate_existing=True)
    if capture.status != CaptureState.EXAMINING or capture.attempts != lease.attempt:
        return None
    fault = _length_fault(session.get_one(Bounty, capture.bounty), report)
    if fault is not None:
        report = replace(report, verdict=Verdict.REJECT, reasons=(fault,))
    if report.neighbours:
        report = replace(report, verdict=Verdict.REJECT)  # what is kept must not say that it was accepted
    outcome = report.verdict
    capture.report = report_json(report)
    capture.judged_at = now
    capture.reasons = [fault] if fault else telling.told(report.findings, outcome)
    _move(session, capture, rules.STATE_OF[outcome], now, "policy")  # no score: the row is its author's event
    _keep_derivatives(session, capture, report.derivatives)
    if outcome is Verdict.ACCEPT:
        pay(session, capture, now=now)
    elif outcome is Verdict.REJECT:
        release_slot(session, capture, now=now)
    return outcome


def _length_fault(bounty: Bounty, report: Report) -> str | None:
    """Why a video is not as long as was asked: a term of the bounty, whatever its truth. None when it is."""
    if bounty.kind != rules.Kind.VIDEO:
        return None
    seen = next((finding for finding in report.findings if finding.check == "decode"), None)
    if seen is None:
        return None
    if seen.reason in ("too_short", "too_long"):  # so much so that it was not even watched
        return f"video_{seen.reason}"
    seconds = seen.facts.get("seconds")
    return rules.video_fault(seconds) if isinstance(seconds, float) else None


def send_to_review(session: DbSession, lease: Lease, why: str, *, now: datetime) -> None:
    """Hands a capture that cannot be examined to a person: unsure never pays, and nothing hangs."""
    capture = session.get_one(Capture, lease.capture, with_for_update=True, populate_existing=True)
    if capture.status != CaptureState.EXAMINING or capture.attempts != lease.attempt:
        return
    capture.judged_at, capture.reasons = now, ["examination_failed"]
    _move(session, capture, CaptureState.REVIEW, now, "worker", why=why)


def end_overdue_review(session: DbSession, capture_id: str, *, now: datetime) -> None:
    """Decides a review that nobody did in time by its tier's default. Nothing if it was done meanwhile."""
    capture = session.get_one(Capture, capture_id, with_for_update=True, populate_existing=True)
    if capture.status != CaptureState.REVIEW:
        return
    default = rules.TIERS[session.get_one(Bounty, capture.bounty).tier].review_default
    if default is Verdict.ACCEPT:
        raise ValueError("no tier pays by default: unsure never pays")
    capture.judged_at = now
    _move(session, capture, CaptureState.REJECTED, now, "policy", why="review_overdue")
    release_slot(session, capture, now=now)


def pay(session: DbSession, capture: Capture, *, now: datetime) -> None:
    """Pays an accepted capture from its slot and writes its observation and receipt."""
    bounty, slot = _bounty_and_slot(session, capture)
    service.fill_slot(session, bounty, slot, now=now, actor="policy")
    released = escrow.release(
        session,
        bounty.escrow,
        slot.number,
        capture.account,
        hold_back_until=rules.matures_at(bounty.tier, now),
        now=now,
    )
    capture.paid = bounty.reward
    session.flush()
    receipts.issue(session, capture, bounty, released, now=now)


def release_slot(session: DbSession, capture: Capture, *, now: datetime) -> None:
    """Frees the slot of a rejected capture at once."""
    bounty, slot = _bounty_and_slot(session, capture)
    service.free_slot(session, bounty, slot, now=now, actor="policy")


def _bounty_and_slot(session: DbSession, capture: Capture) -> tuple[Bounty, Slot]:
    claim = session.get_one(Claim, capture.claim)
    return session.get_one(Bounty, capture.bounty), session.get_one(Slot, claim.slot)


def _keep_derivatives(session: DbSession, capture: Capture, made: Sequence[Derivative]) -> None:
    for copy in made:
        session.add(
            Media(
                capture=capture.id,
                sha256=copy.sha256,
                role="derivative",
                media_type=copy.media_type,
                size=len(copy.data),
                width=copy.width,
                height=copy.height,
            )
        )
    session.flush()


def _move(
    session: DbSession, capture: Capture, to: CaptureState, now: datetime, actor: str, **facts: Any
) -> None:
    states.move(session, capture, to, rules.CAPTURE, now=now, tenant=capture.account, actor=actor, **facts)
