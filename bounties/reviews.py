"""What people decide: reviews of unsure captures, appeals, what is revoked. A named person, a note."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bounties import judging, receipts, rules, service
from bounties.rules import CaptureState, SlotState
from bounties.tables import Bounty, Capture, Claim, Media, Observation, Slot
from core import errors, states
from core.accounts import service as accounts
from core.money import Money
from payments import escrow
from verification.evidence import Verdict

_DECIDED = {
    CaptureState.REVIEW: {Verdict.ACCEPT: CaptureState.ACCEPTED, Verdict.REJECT: CaptureState.REJECTED},
    CaptureState.APPEALED: {Verdict.ACCEPT: CaptureState.ACCEPTED, Verdict.REJECT: CaptureState.UPHELD},
}


def waiting(session: Session, *, limit: int) -> list[Capture]:
    """Captures that wait for a person, oldest first."""
    wanted = [CaptureState.REVIEW.value, CaptureState.APPEALED.value]
    return list(
        session.scalars(
            select(Capture).where(Capture.status.in_(wanted)).order_by(Capture.order).limit(limit)
        )
    )


def media(session: Session, capture_id: str, sha256: str) -> Media:
    """A delivered copy of a capture that waits for a person.

    Raises:
        NotFound: no such copy, or nobody has to decide about that capture.
    """
    capture, item = session.get(Capture, capture_id), session.get(Media, (capture_id, sha256, "derivative"))
    waits = capture is not None and capture.status in (CaptureState.REVIEW, CaptureState.APPEALED)
    if not waits or item is None:
        raise errors.NotFound("no such media")
    return item


def appeal(session: Session, capture: Capture, statement: str, *, now: datetime) -> None:
    """A contributor asks a person to look again at a rejection, once, within seven days.

    Raises:
        StateConflict: not rejected, appealed before, or too late.
        AccountClosed.
    """
    accounts.require_not_closed(session, capture.account)
    if capture.judged_at is not None and now - capture.judged_at > rules.APPEAL_WITHIN:
        raise errors.StateConflict("the time to appeal has passed", status=capture.status)
    states.move(
        session,
        capture,
        CaptureState.APPEALED,
        rules.CAPTURE,
        now=now,
        tenant=capture.account,
        actor=capture.account,
        untrusted_statement=statement,
    )


def decide(
    session: Session, capture_id: str, verdict: Verdict, note: str, *, reviewer: str, now: datetime
) -> Capture:
    """A reviewer's word on a capture in review or under appeal: accept pays, in this commit.

    Raises:
        NotFound; BadInput: a verdict that decides nothing; StateConflict: nothing waits for a decision.
    """
    capture = session.get(Capture, capture_id, with_for_update=True, populate_existing=True)
    if capture is None:
        raise errors.NotFound("no such capture")
    if capture.account == reviewer:
        raise errors.Forbidden("nobody reviews their own capture")
    before = CaptureState(capture.status)
    ways = _DECIDED.get(before)
    if ways is None:
        raise errors.StateConflict("this capture waits for nobody", status=capture.status)
    if verdict not in ways:
        raise errors.BadInput("a reviewer accepts or rejects")
    to = ways[verdict]
    states.move(
        session, capture, to, rules.CAPTURE, now=now, tenant=capture.account, actor=reviewer, note=note
    )
    if before is CaptureState.REVIEW:
        _end_review(session, capture, verdict, now)
    elif verdict is Verdict.ACCEPT:
        _win_appeal(session, capture, now)
    return capture


def revoke(session: Session, capture_id: str, why: str, *, operator: str, now: datetime) -> Capture:
    """Takes an accepted capture's reward back while it is held back: fraud found after the verdict.

    The payer gets price and fee back; what a won appeal was paid returns to the market. Observation,
    receipt and log stay as they are: an event of the observation tells its buyer.

    Raises:
        NotFound; StateConflict: not accepted, revoked before, or the reward is payable by now.
    """
    capture = session.get(Capture, capture_id, with_for_update=True, populate_existing=True)
    if capture is None:
        raise errors.NotFound("no such capture")
    if capture.status == CaptureState.ACCEPTED:
        capture.paid, capture.reasons = None, ["revoked"]  # first: only what is accepted may stand as paid
    states.move(
        session,
        capture,
        CaptureState.REVOKED,
        rules.CAPTURE,
        now=now,
        tenant=capture.account,
        actor=operator,
        why=why,
    )
    observation = session.scalars(select(Observation).where(Observation.capture == capture.id)).one()
    _take_back(session, capture, observation, now)
    buyer = observation.account
    states.record(
        session, "observations", observation.id, "ready", "revoked", now, buyer, operator, {"why": why}
    )
    return capture


def _take_back(session: Session, capture: Capture, observation: Observation, now: datetime) -> None:
    """By the way it was paid, which its receipt names: its slot may have paid somebody else since."""
    if json.loads(observation.receipt)["payment"]["transfer_key"] == f"appeal:{capture.id}":
        escrow.clawback_appeal(session, capture.id, now=now)
        return
    bounty = session.get_one(Bounty, capture.bounty)
    slot = session.get_one(Slot, session.get_one(Claim, capture.claim).slot)
    escrow.clawback(session, bounty.escrow, slot.number, now=now)


def _end_review(session: Session, capture: Capture, verdict: Verdict, now: datetime) -> None:
    capture.judged_at = now
    if verdict is Verdict.ACCEPT:
        capture.reasons = []
        judging.pay(session, capture, now=now)
    else:
        capture.reasons = capture.reasons or ["reviewed"]
        judging.release_slot(session, capture, now=now)


def _win_appeal(session: Session, capture: Capture, now: datetime) -> None:
    """Pays a won appeal: from its slot if that is still open, else from exp:appeals."""
    capture.reasons = []
    bounty = session.get_one(Bounty, capture.bounty)
    slot = session.get_one(Slot, session.get_one(Claim, capture.claim).slot)
    session.refresh(bounty, with_for_update=service.BOUNTY_LOCK)
    session.refresh(slot, with_for_update=True)
    if slot.status == SlotState.OPEN:
        service.move_slot(session, bounty, slot, SlotState.RESERVED, now=now, actor="appeal")
        service.move_slot(session, bounty, slot, SlotState.JUDGED, now=now, actor="appeal")
        judging.pay(session, capture, now=now)
        return
    capture.paid = bounty.reward
    session.flush()
    paid = escrow.pay_appeal(
        session,
        subject=capture.id,
        contributor=capture.account,
        amount=Money(bounty.reward),
        hold_back_until=rules.matures_at(bounty.tier, now),
        now=now,
    )
    receipts.issue(session, capture, bounty, paid, now=now)
