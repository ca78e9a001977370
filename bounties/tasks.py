"""Bounties' work behind the queue: plain functions; `market/worker.py` puts them on Celery.

Each may run at any time, twice, or side by side with itself: it starts with a lease or a
conditional change and does nothing when there is nothing to do.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from bounties import approvals, claims, judging, rules, service, submissions
from bounties.rules import BountyState, CaptureState, ClaimState
from bounties.tables import Bounty, Capture, Claim
from core import clock, states
from core.db import Database
from core.errors import NotFound
from core.failpoints import failpoint
from core.storage import Storage
from core.sweeper import Sweeper
from verification import burst_file, film
from verification.case import Tools
from verification.evidence import Evidence, Verdict
from verification.measures.prnu import NoisePrint, noise_print
from verification.moments import moments_of
from verification.picture import Picture, Pixels, Undecodable
from verification.pipeline import examine

_log = logging.getLogger(__name__)
SWEEP_LIMIT = 200


def judge_capture(
    database: Database, storage: Storage, tools: Tools, capture_id: str, *, lease_for: timedelta
) -> Verdict | None:
    """Brings one capture to its verdict. None when there was nothing to do."""
    with database.transaction() as session:
        lease = judging.start_examination(session, capture_id, lease=lease_for, now=clock.now())
    failpoint("judge.after_lease")
    if lease is None:
        return None
    if lease.attempt > rules.MAX_ATTEMPTS:
        with database.transaction() as session:
            judging.send_to_review(session, lease, "too_many_attempts", now=clock.now())
        return Verdict.REVIEW
    evidence = load_evidence(database, storage, capture_id)
    remember_up_to(database, storage, tools, evidence)
    failpoint("judge.after_remember")
    report = examine(evidence, tools)
    failpoint("judge.after_examine")
    for copy in report.derivatives:
        storage.put(copy.data)
    with database.transaction() as session:
        outcome = judging.settle_capture(session, lease, report, now=clock.now())
        failpoint("judge.before_commit")
    failpoint("judge.after_commit")
    return outcome


def load_evidence(database: Database, storage: Storage, capture_id: str) -> Evidence:
    """The evidence of a capture, with the original unsealed for the verifier (and that logged)."""
    with database.transaction() as session:
        evidence = judging.evidence_of(session, capture_id)
        if evidence.terms.kind in rules.MEDIA:
            account = evidence.session.account
            states.record(
                session,
                "media",
                capture_id,
                None,
                "unsealed",
                clock.now(),
                account,
                "verifier",
                {"why": "verdict"},
            )
    if evidence.terms.kind not in rules.MEDIA:
        return evidence
    burst = evidence.burst and burst_file.read(storage.unseal(evidence.burst.sha256))
    return dataclasses.replace(evidence, media=storage.unseal(evidence.media_sha256), burst=burst)


def remember_up_to(database: Database, storage: Storage, tools: Tools, evidence: Evidence) -> None:
    """Puts this capture and every earlier one into the verifier's memory.

    A worker does not wait for another to remember an earlier capture: it does it itself (remembering
    is idempotent), so one dead or slow worker holds nobody up.
    """
    with database.reading() as session:
        missing = judging.not_remembered_before(session, evidence.order)
    for capture_id in missing:
        try:
            earlier = load_evidence(database, storage, capture_id)
        except NotFound:
            # Its bytes are lost. That is for its own examination to say; it must not stop everybody else's.
            _log.error("the original of %s is lost: it cannot be compared with", capture_id)
            continue
        _remember(database, tools, earlier)
    _remember(database, tools, evidence)


def _remember(database: Database, tools: Tools, evidence: Evidence) -> None:
    picture, further = _pictures(evidence, tools)
    tools.memory.remember(evidence, picture, _noise(evidence, tools), further)
    with database.transaction() as session:
        judging.note_remembered(session, evidence.capture, now=clock.now())


def _pictures(evidence: Evidence, tools: Tools) -> tuple[Picture | None, Sequence[Pixels]]:
    """The picture by which a capture is known again, and of a film some of its moments."""
    try:
        if evidence.terms.kind == rules.Kind.VIDEO:
            # What is remembered last is examined next: the film is decoded once for both.
            seen = film.watch(tools.decoder, evidence.media, twice=True)
            return seen.key, moments_of(seen)
        return (tools.decoder.open(evidence.media) if evidence.terms.kind == rules.Kind.PHOTO else None), ()
    except Undecodable:
        return None, ()  # the decode check will say why


def _noise(evidence: Evidence, tools: Tools) -> NoisePrint | None:
    if evidence.terms.kind != rules.Kind.PHOTO:
        return None
    try:
        return noise_print(tools.decoder.grain(evidence.media))
    except Undecodable:
        return None


def sweep(sweeper: Sweeper, *, now: datetime) -> int:
    """Finds what the tables say is undone and does or re-sends it. Gives how many things it touched.

    Captures due (the queue forgot, or a worker died with the lease), claims past their deadline,
    bounties past their window.
    """
    with sweeper.database.reading() as session:
        due = (Capture.status.in_([s.value for s in rules.UNJUDGED])) & (Capture.due_at <= now)
        captures = session.scalars(
            select(Capture.id).where(due).order_by(Capture.order).limit(SWEEP_LIMIT)
        ).all()
        lapsed = (Claim.status == ClaimState.ACTIVE.value) & (Claim.deadline <= now)
        claims_due = session.scalars(select(Claim.id).where(lapsed).limit(SWEEP_LIMIT)).all()
        ended = (Bounty.status == BountyState.OPEN.value) & (Bounty.closes_at <= now)
        bounties_due = session.scalars(select(Bounty.id).where(ended).limit(SWEEP_LIMIT)).all()
    return (
        sweeper.each(captures, lambda session, found: judging.wake(session, found, now=now))
        + sweeper.each(claims_due, lambda session, found: claims.expire_claim(session, found, now=now))
        + sweeper.each(bounties_due, lambda session, found: service.expire_bounty(session, found, now=now))
    )


def overdue_reviews(sweeper: Sweeper, *, now: datetime) -> int:
    """Ends reviews that nobody did in time with their tier's default. Gives how many."""
    with sweeper.database.reading() as session:
        found = select(Capture.id, Capture.judged_at, Bounty.tier).join(Bounty, Bounty.id == Capture.bounty)
        waiting = session.execute(found.where(Capture.status == CaptureState.REVIEW.value)).all()
    late = [
        row.id
        for row in waiting
        if row.judged_at and now - row.judged_at > rules.TIERS[row.tier].review_within
    ]
    return sweeper.each(late, lambda session, found: judging.end_overdue_review(session, found, now=now))


def lapse_approvals(sweeper: Sweeper, *, now: datetime) -> int:
    """Ends approvals that nobody used within a day. Gives how many."""
    with sweeper.database.reading() as session:
        found = approvals.due(session, now, limit=SWEEP_LIMIT)
    return sweeper.each(found, lambda session, item: approvals.lapse(session, item, now=now))


def drop_unnamed_originals(sweeper: Sweeper, storage: Storage, *, now: datetime) -> int:
    """Drops uploads that became no capture: retakes, abandoned claims, uploads cut off. Gives how many."""
    with sweeper.database.reading() as session:
        found = submissions.unnamed_originals(session, now=now, limit=SWEEP_LIMIT)
    return sweeper.each(
        found, lambda session, sha256: submissions.drop_original(session, storage, sha256, now=now)
    )
