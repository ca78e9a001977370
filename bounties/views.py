"""From rows to what is shown: one function a shape, so that each door shows a thing the same way."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bounties import approvals, receipts, rules, service
from bounties.rules import CaptureState
from bounties.schemas import (
    ApprovalShape,
    BountyShape,
    CaptureShape,
    Card,
    Challenge,
    ClaimShape,
    Dependence,
    FindingShape,
    MediaShape,
    ObservationShape,
    ReceiptShape,
    ReviewShape,
)
from bounties.tables import Approval, Bounty, Capture, Claim, Media, Observation
from core import geo, log
from core.money import Money
from core.states import History

_VERDICTS = {
    CaptureState.ACCEPTED: "accept",
    CaptureState.REVIEW: "review",
    CaptureState.REJECTED: "reject",
    CaptureState.APPEALED: "reject",
    CaptureState.UPHELD: "reject",
    CaptureState.REVOKED: "reject",
}


def bounty_shape(session: Session, bounty: Bounty) -> BountyShape:
    """A bounty for its payer."""
    terms = bounty.terms
    found = session.scalars(
        select(Observation.id).where(Observation.bounty == bounty.id).order_by(Observation.id)
    )
    return BountyShape(
        id=bounty.id,
        status=bounty.status,
        kind=bounty.kind,
        ask=bounty.ask,
        answer_schema=terms["answer_schema"],
        area=terms["area"],
        opens_at=bounty.opens_at,
        closes_at=bounty.closes_at,
        reward=Money(bounty.reward),
        fee=Money(bounty.fee),
        slots=bounty.slots,
        slots_open=service.open_slots(session, bounty),
        slots_pending=service.pending_slots(session, bounty),
        tier=bounty.tier,
        licence=terms["licence"],
        purpose=terms["purpose"],
        max_freshness_s=terms["max_freshness_s"],
        stream=terms["stream"],
        created_at=bounty.created_at,
        observations=list(found),
    )


def approval_shape(approval: Approval, now: datetime) -> ApprovalShape:
    """An approval for its account."""
    return ApprovalShape(
        id=approval.id,
        status=approvals.status_at(approval, now).value,
        key=approval.key,
        amount=Money(approval.amount),
        summary=approval.summary,
        request=approval.request,
        created_at=approval.created_at,
        lapses_at=approval.lapses_at,
        decided_by=approval.decided_by,
        decided_at=approval.decided_at,
        bounty=approval.bounty,
    )


def card(session: Session, bounty: Bounty, distance_m: float) -> Card:
    """A bounty for a contributor nearby."""
    terms = bounty.terms
    return Card(
        id=bounty.id,
        kind=bounty.kind,
        ask=bounty.ask,
        answer_schema=terms["answer_schema"],
        area=terms["area"],
        distance_m=round(distance_m, 1),
        closes_at=bounty.closes_at,
        reward=Money(bounty.reward),
        slots_open=service.open_slots(session, bounty),
        tier=bounty.tier,
        licence=terms["licence"],
        purpose=terms["purpose"],
    )


def claim_shape(session: Session, claim: Claim) -> ClaimShape:
    """A claim for its contributor."""
    bounty = session.get_one(Bounty, claim.bounty)
    burst = rules.needs_burst(bounty.kind, bounty.tier)
    return ClaimShape(
        id=claim.id,
        bounty=claim.bounty,
        kind=bounty.kind,
        status=claim.status,
        deadline=claim.deadline,
        reward=Money(bounty.reward),
        challenge=Challenge(
            nonce=claim.nonce,
            code=claim.code,
            instruction=_instruction(bounty.kind, claim.code, claim.pan),
            burst=burst,
            pan=claim.pan,
            issued_at=claim.issued_at,
            max_freshness_s=bounty.terms["max_freshness_s"],
        ),
        stream=bounty.terms["stream"],
    )


_MOVES = {
    "L": "turn the phone a little left and back",
    "R": "turn the phone a little right and back",
    "U": "turn the phone a little up and back",
    "D": "turn the phone a little down and back",
    "<": "move it a hand's breadth to the left",
    ">": "move it a hand's breadth to the right",
}


def _instruction(kind: str, code: str, pan: str) -> str:
    """What a person is told to do."""
    if kind == rules.Kind.VIDEO:
        least, most = rules.VIDEO_SECONDS
        return f"Film for {least:.0f} to {most:.0f} seconds, in one take, with the live camera at the place."
    if not code:
        return "Take the picture with the live camera at the place."
    told = f"Write {code} large on paper, put it in the scene, and take the picture."
    if pan:
        moves = ", then ".join(_MOVES[letter] for letter in pan)
        told += f" It films for four seconds: {moves}, with the paper in view and held still."
    return told


def capture_shape(session: Session, capture: Capture) -> CaptureShape:
    """A capture for its contributor: coarse reasons, never scores."""
    bounty = session.get_one(Bounty, capture.bounty)
    return CaptureShape(
        id=capture.id,
        claim=capture.claim,
        bounty=capture.bounty,
        status=capture.status,
        verdict=_VERDICTS.get(CaptureState(capture.status)),  # type: ignore[arg-type]
        reasons=list(capture.reasons),
        reward=Money(bounty.reward),
        paid=None if capture.paid is None else Money(capture.paid),
        submitted_at=capture.submitted_at,
        judged_at=capture.judged_at,
    )


def observation_shape(session: Session, observation: Observation) -> ObservationShape:
    """An observation for its buyer: the place as a cell, the contributor as an opaque group."""
    capture = session.get_one(Capture, observation.capture)
    bounty, claim = session.get_one(Bounty, observation.bounty), session.get_one(Claim, capture.claim)
    report = capture.report
    media = session.scalars(select(Media).where(Media.capture == capture.id, Media.role == "derivative"))
    base = f"/v1/observations/{observation.id}/media/"
    return ObservationShape(
        id=observation.id,
        bounty=bounty.id,
        capture=capture.id,
        kind=bounty.kind,
        answer=capture.answer["value"],
        p_genuine=report["p_genuine"] if report else None,
        p_genuine_interval=tuple(report["interval"]) if report else None,
        p_answer=report["p_answer"] if report else None,
        frauds=report["frauds"] if report else {},
        judged_by=receipts.judged_by(report or {}),
        dependence=Dependence(
            contributor=_group(bounty.account, capture.account), device=_group(bounty.account, claim.device)
        ),
        observed_from=claim.issued_at,
        observed_to=claim.committed_at or capture.submitted_at,
        cell=geo.cell(geo.Spot(bounty.lat, bounty.lon), geo.COARSE_RESOLUTION),
        findings=[FindingShape(**finding) for finding in receipts.public_findings(report)] if report else [],
        media=[MediaShape(sha256=m.sha256, media_type=m.media_type, url=base + m.sha256) for m in media],
        reward=Money(bounty.reward),
        revoked=capture.status == CaptureState.REVOKED,
    )


def _group(buyer: str, member: str) -> str:
    """The same for one buyer, unlinkable between buyers."""
    return hashlib.sha256(f"group|{buyer}|{member}".encode()).hexdigest()[:16]


def receipt_shape(session: Session, observation: Observation) -> ReceiptShape:
    """A receipt with its proof, once the log has one."""
    proof = log.inclusion(session, observation.leaf)
    if proof is None:
        return ReceiptShape(receipt=observation.receipt, leaf_index=None, checkpoint=None, inclusion=None)
    return ReceiptShape(
        receipt=observation.receipt,
        leaf_index=proof.index,
        checkpoint=proof.note,
        inclusion=[base64.b64encode(node).decode() for node in proof.path],
    )


def review_shape(session: Session, capture: Capture) -> ReviewShape:
    """A capture for a reviewer."""
    bounty = session.get_one(Bounty, capture.bounty)
    media = session.scalars(
        select(Media.sha256).where(Media.capture == capture.id, Media.role == "derivative")
    )
    said = session.scalars(
        select(History.facts)
        .where(History.subject == capture.id, History.after == CaptureState.APPEALED.value)
        .order_by(History.seq.desc())
        .limit(1)
    ).first()
    return ReviewShape(
        capture=capture.id,
        bounty=bounty.id,
        status=capture.status,
        ask=bounty.ask,
        answer=capture.answer["value"],
        report=capture.report,
        untrusted_statement=said.get("untrusted_statement") if said else None,
        media=list(media),
    )
