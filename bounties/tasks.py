"""Bounties' work behind the queue: plain functions; `market/worker.py` puts them on Celery.

Each may run at any time, twice, or side by side with itself: it starts with a lease or a
conditional change and does nothing when there is nothing to do.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select

from bounties import approvals, claims, judging, remembering, rules, service, submissions
from bounties.rules import BountyState, CaptureState, ClaimState, MemoryFault
from bounties.tables import Bounty, Capture, Claim
from core import clock, states
from core.db import Database
from core.errors import NotFound, SpotcheckError
from core.failpoints import failpoint
from core.renewal import renewed
from core.storage import Storage
from core.sweeper import Sweeper
from verification import burst_file, film
from verification.case import Tools
from verification.evidence import Evidence, Report, Verdict
from verification.measures.prnu import NoisePrint, noise_print
from verification.moments import moments_of
from verification.picture import Picture, Pixels, Undecodable
from verification.pipeline import examine

_log = logging.getLogger(__name__)
SWEEP_LIMIT = 200


def judge_capture(
    database: Database, storage: Storage, tools: Tools, capture_id: str, *, lease_for: timedelta
) -> Verdict | None:
    """Brings one capture to its verdict. None when there was nothing to do, or when it comes again later,
    for another worker is still about remembering an earlier one."""
    with database.reading() as session:
        order = judging.order_if_waiting(session, capture_id)
    if order is None:
        return None
    evidence, complete = remember_up_to(database, storage, tools, order, lease_for=lease_for)
    failpoint("judge.after_remember")
    with database.transaction() as session:
        if not complete:
            remembering.put_off(session, capture_id, now=clock.now())
            return None
        lease = judging.start_examination(session, capture_id, lease=lease_for, now=clock.now())
    failpoint("judge.after_lease")
    if lease is None:
        return None
    why = "too_many_attempts" if lease.attempt > rules.MAX_ATTEMPTS else lease.memory_fault
    if why is not None:
        with database.transaction() as session:
            judging.send_to_review(session, lease, why, now=clock.now())
        return Verdict.REVIEW
    renew = partial(judging.renew, held=lease, lease=lease_for)
    with renewed(database, capture_id, renew, lease=lease_for):
        if evidence is None:  # it was remembered before
            evidence = load_evidence(database, storage, capture_id)
        report = examine(evidence, tools)
        failpoint("judge.after_examine")
        for copy in report.derivatives:
            storage.put(copy.data)
    return _settle(database, lease, report)


def _settle(database: Database, lease: judging.Lease, report: Report) -> Verdict | None:
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


def remember_up_to(
    database: Database, storage: Storage, tools: Tools, order: int, *, lease_for: timedelta
) -> tuple[Evidence | None, bool]:
    """Puts every capture submitted until then into the verifier's memory, but for those that another worker
    is about (`bounties.remembering`).

    Returns:
        The evidence of the last of them, if it was put there now, and whether nothing is missing any more.
    """
    with database.reading() as session:
        missing = remembering.missing(session, order)
    evidence = None
    for capture_id in missing:
        with database.transaction() as session:
            hold = remembering.take(session, capture_id, lease=lease_for, now=clock.now())
        if hold is not None:
            evidence = None  # the one before is not held on to: a film's is large
            evidence = _remember(database, storage, tools, hold, lease_for)
    own = evidence if evidence is not None and evidence.order == order else None
    with database.reading() as session:
        return own, not remembering.missing(session, order)


def _remember(
    database: Database, storage: Storage, tools: Tools, hold: remembering.Hold, lease_for: timedelta
) -> Evidence | None:
    """Remembers one capture; its evidence when it could be. One that cannot be fails here, and not in the
    judging of those that wait for it."""
    failpoint("judge.after_hold")
    if hold.attempt > rules.MAX_REMEMBERINGS:
        _give_up(database, tools, hold, MemoryFault.WORKERS_DIED)
        return None
    try:
        renew = partial(remembering.renew, hold=hold, lease=lease_for)
        with renewed(database, hold.capture, renew, lease=lease_for):
            evidence = load_evidence(database, storage, hold.capture)
            picture, further = _pictures(evidence, tools)
            tools.memory.remember(evidence, picture, _noise(evidence, tools), further)
    # A door: a stranger's bytes were looked at, on which OpenCV, numpy and zipfile raise whatever they like.
    # Raised further it would end the task of another capture, and all that wait for this one would wait for
    # its lease to run out, once a try.
    except Exception as error:  # noqa: BLE001
        ours = None if isinstance(error, SpotcheckError) else error
        _log.error("%s was not remembered (try %d): %s", hold.capture, hold.attempt, error, exc_info=ours)
        away = not storage.ready()
        if hold.attempt == rules.MAX_REMEMBERINGS and not away:
            lost = isinstance(error, NotFound)
            _give_up(database, tools, hold, MemoryFault.ORIGINAL_LOST if lost else MemoryFault.NOT_READ)
            return None
        with database.transaction() as session:
            remembering.let_go(session, hold, away=away, now=clock.now())
        return None
    with database.transaction() as session:
        remembering.note(session, hold.capture, now=clock.now())
    return evidence


def _give_up(database: Database, tools: Tools, hold: remembering.Hold, fault: MemoryFault) -> None:
    """Leaves it to a person, and remembers the name of its bytes at least: sent again as they are, they are
    known. In this order (see `remembering.give_up`): a worker that died in between is followed by another."""
    with database.transaction() as session:
        if not remembering.give_up(session, hold, fault):
            return
        evidence = judging.evidence_of(session, hold.capture)
    tools.memory.remember(evidence, None)
    with database.transaction() as session:
        remembering.note(session, hold.capture, now=clock.now())
    _log.error("%s is given up: %s; a person decides on it", hold.capture, fault)


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
