"""Receipts: the exact text that binds terms, capture, findings and payment; its hash goes to the log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bounties.tables import Bounty, Capture, Claim, Media, Observation
from core import log, states
from core.clock import wire
from core.ids import new_id
from payments.escrow import Released

LEAF_PREFIX = b"spotcheck-receipt-v1\n"


def public_findings(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Findings as a buyer sees them: no facts, which can hold a contributor's place or text."""
    names = ("check", "version", "family", "status", "llr", "reason")
    return [{name: finding[name] for name in names} for finding in report["findings"]]


def canonical(value: object) -> str:
    """JSON with sorted keys and no spaces: what hashes of terms are over."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def leaf_of(receipt: str) -> bytes:
    """The opaque leaf of a receipt: only its hash is public, so erasing the text leaves the log whole."""
    return LEAF_PREFIX + hashlib.sha256(receipt.encode()).digest()


def issue(
    session: Session, capture: Capture, bounty: Bounty, paid: Released, *, now: datetime
) -> Observation:
    """Writes the observation of a paid capture and puts its receipt's leaf into the log, in this commit."""
    observation_id = new_id("obs")
    receipt = canonical(_receipt(session, observation_id, capture, bounty, paid, now))
    observation = Observation(
        id=observation_id,
        capture=capture.id,
        bounty=bounty.id,
        account=bounty.account,
        receipt=receipt,
        leaf=log.append(session, leaf_of(receipt), now=now),
        created_at=now,
    )
    session.add(observation)
    session.flush()
    states.record(session, "observations", observation_id, None, "ready", now, bounty.account, "policy", {})
    return observation


def judged_by(report: Mapping[str, Any]) -> Literal["policy", "reviewer"]:
    """Who accepted a capture: the policy, by what the checks said, or a person."""
    return "policy" if report.get("verdict") == "accept" else "reviewer"


def _receipt(
    session: Session, observation_id: str, capture: Capture, bounty: Bounty, paid: Released, now: datetime
) -> dict[str, Any]:
    claim = session.get_one(Claim, capture.claim)
    media = list(session.scalars(select(Media).where(Media.capture == capture.id).order_by(Media.sha256)))
    report: dict[str, Any] = capture.report or {}
    return {
        "v": 1,
        "observation": observation_id,
        "bounty": bounty.id,
        "capture": capture.id,
        "terms": bounty.terms,
        "terms_sha256": hashlib.sha256(canonical(bounty.terms).encode()).hexdigest(),
        "claim": claim.id,
        "nonce": claim.nonce,
        "statement_sha256": hashlib.sha256(capture.statement.encode()).hexdigest(),
        "original_sha256": next(item.sha256 for item in media if item.role == "original"),
        "burst_sha256": next((item.sha256 for item in media if item.role == "burst"), None),
        "derivatives": [item.sha256 for item in media if item.role == "derivative"],
        "answer": capture.answer["value"],
        "p_genuine": report.get("p_genuine"),
        "p_answer": report.get("p_answer"),
        "frauds": report.get("frauds", {}),
        "judged_by": judged_by(report),
        "findings": public_findings(report) if report else [],
        "models": report.get("models", {}),
        "calibration": report.get("calibration"),
        "engine": report.get("engine"),
        "payment": {
            "transfer_key": paid.transfer_key,
            "reward": str(paid.reward),
            "fee": str(paid.fee),
        },
        "freshness": [wire(claim.issued_at), wire(claim.committed_at or capture.submitted_at)],
        "issued_at": wire(now),
    }
