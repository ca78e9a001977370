"""What the verifier is told of an account: its own captures, the earlier ones, as they ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from bounties import judging, reviews, tasks
from bounties.tables import Capture
from core.db import Database
from core.sweeper import Sweeper
from tests.bounties import scene
from tests.bounties.scene import NOW, Person
from verification.evidence import Standing, Verdict


@pytest.fixture(params=["database", "postgres"])
def market(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


def hand_in(market: Database, person: Person) -> str:
    with market.transaction() as session:
        bounty = scene.post(session, scene.new_agent(session))
        claimed = scene.claim(session, person, bounty)
        return scene.submit(session, person, claimed, media=claimed.id.encode()).id


def standing(market: Database, capture: str) -> Standing | None:
    with market.reading() as session:
        return judging.evidence_of(session, capture).standing


def appeal(session: Session, capture: str) -> None:
    reviews.appeal(session, session.get_one(Capture, capture), "look again", now=NOW)


def test_a_first_capture_has_an_age_and_no_record(market: Database) -> None:
    with market.transaction() as session:
        person = scene.new_person(session, now=NOW - timedelta(days=3))
    assert standing(market, hand_in(market, person)) == Standing(3.0, 0, 0)


def test_only_ones_own_earlier_captures_count(market: Database) -> None:
    with market.transaction() as session:
        person, other = scene.new_person(session), scene.new_person(session)
    mine = [hand_in(market, person) for _ in range(3)]
    theirs = hand_in(market, other)
    for capture in (mine[0], mine[2], theirs):
        scene.judge(market, capture, Verdict.REJECT)
    found = standing(market, mine[1])
    assert found is not None
    assert (found.accepted, found.rejected) == (0, 1), "neither a later one nor another's"


def test_how_each_ended_is_what_counts(market: Database) -> None:
    with market.transaction() as session:
        person = scene.new_person(session)
    accepted, reviewed, rejected, appealed, won, unseen, waiting, last = (
        hand_in(market, person) for _ in range(8)
    )
    scene.judge(market, accepted, Verdict.ACCEPT)
    for capture in (reviewed, unseen):
        scene.judge(market, capture, Verdict.REVIEW)
    for capture in (rejected, appealed, won):
        scene.judge(market, capture, Verdict.REJECT)
    with market.transaction() as session:
        reviews.decide(session, reviewed, Verdict.ACCEPT, "looked", reviewer="acc_x", now=NOW)
        appeal(session, appealed)
        appeal(session, won)
        reviews.decide(session, won, Verdict.ACCEPT, "looked", reviewer="acc_x", now=NOW)
    assert tasks.overdue_reviews(Sweeper(market), now=NOW + timedelta(days=3)) == 1
    assert waiting
    found = standing(market, last)
    assert found is not None
    assert found.accepted == 3, "by policy, by a reviewer, on appeal"
    assert found.rejected == 2, "refused, and refused under appeal; not what nobody looked at in time"
