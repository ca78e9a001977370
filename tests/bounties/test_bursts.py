"""Bursts on their way: asked for by tier 1, delivered beside the photo, bound into evidence and receipt."""

from __future__ import annotations

import hashlib

import pytest

from bounties import judging, submissions
from bounties.tables import Claim, Original
from core import errors
from core.db import Database
from tests.bounties import scene
from tests.bounties.scene import NOW
from tests.bounties.test_settlement import buyer

BURST = hashlib.sha256(b"burstx").hexdigest()  # as scene.submit delivers it beside the photo b"x"


def claimed_at_tier_1(database: Database) -> tuple[scene.Person, str]:
    key = buyer(database)
    with database.transaction() as session:
        bounty, person = scene.post(session, key, scene.ask(reward="2.00", tier=1)), scene.new_person(session)
        return person, scene.claim(session, person, bounty).id


def test_tier_1_is_not_handed_in_without_a_burst(database: Database) -> None:
    _, claim_id = claimed_at_tier_1(database)
    with database.transaction() as session:
        claimed = session.get_one(Claim, claim_id)
        submissions.deliver(session, claimed, "ab" * 32, "image/jpeg", 1)
        with pytest.raises(errors.BadInput, match="no burst"):
            submissions.submit_capture(session, claimed, "{}", b"", 3, now=NOW)


def test_a_burst_reaches_the_evidence(database: Database) -> None:
    person, claim_id = claimed_at_tier_1(database)
    with database.transaction() as session:
        capture = scene.submit(session, person, session.get_one(Claim, claim_id))
        evidence = judging.evidence_of(session, capture.id)
    assert evidence.burst is not None
    assert evidence.burst.sha256 == BURST


def test_a_named_burst_is_not_swept_and_an_unnamed_one_is(database: Database) -> None:
    person, claim_id = claimed_at_tier_1(database)
    later = NOW + 2 * submissions.KEEP_UNNAMED
    with database.transaction() as session:
        for sha256 in (BURST, "cd" * 32):
            submissions.note_original(session, sha256, now=NOW)
        claimed = session.get_one(Claim, claim_id)
        submissions.deliver_burst(session, claimed, BURST, 1)
        session.flush()
        assert submissions.unnamed_originals(session, now=later, limit=9) == ["cd" * 32]
        scene.submit(session, person, claimed)
        session.flush()
        assert submissions.unnamed_originals(session, now=later, limit=9) == ["cd" * 32]
        assert session.get(Original, BURST) is not None
