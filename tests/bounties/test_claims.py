"""How many claims one contributor may hold, and let go."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bounties import claims, rules
from bounties.rules import ClaimState
from bounties.tables import Bounty, Capture, Claim
from core import errors
from core.db import Database
from tests.bounties import scene
from tests.bounties.scene import NOW
from tests.payments.traders import together
from verification.evidence import Verdict


def test_nobody_holds_more_than_a_few_claims(database: Database) -> None:
    with database.transaction() as session:
        key, person = scene.new_agent(session), scene.new_person(session)
        for _ in range(claims.MAX_ACTIVE_CLAIMS):
            scene.claim(session, person, scene.post(session, key))
        last = scene.post(session, key)
        with pytest.raises(errors.StateConflict):
            scene.claim(session, person, last)


def test_who_lets_claims_go_all_day_waits_longer_and_longer(database: Database) -> None:
    with database.transaction() as session:
        bounty, person = scene.post(session, scene.new_agent(session)), scene.new_person(session)
        for _ in range(rules.FREE_LET_GO + 1):
            claims.end_claim(
                session,
                scene.claim(session, person, bounty),
                ClaimState.ABANDONED,
                now=NOW,
                actor=person.account,
            )
        with pytest.raises(errors.TooMany) as refused:
            scene.claim(session, person, bounty)
        assert refused.value.facts["retry_after"] == 3600
        assert scene.claim(session, scene.new_person(session), bounty), "others are not kept waiting"


def test_a_claim_finished_is_no_claim_let_go(database: Database) -> None:
    with database.transaction() as session:
        key, person = scene.new_agent(session), scene.new_person(session)
        for _ in range(rules.FREE_LET_GO + 3):
            claimed = scene.claim(session, person, scene.post(session, key))
            scene.submit(session, person, claimed, media=claimed.id.encode())


@pytest.mark.parametrize(
    ("let_go", "hours"), [(0, 0), (5, 0), (6, 1), (7, 2), (9, 8), (10, 12), (10_000, 12)]
)
def test_the_cool_down_doubles_to_half_a_day(let_go: int, hours: int) -> None:
    assert rules.cool_down(let_go) == timedelta(hours=hours)


def test_claims_made_side_by_side_are_counted_too(postgres: Database) -> None:
    """Fails without the lock on the account's row."""
    with postgres.transaction() as session:
        key, person = scene.new_agent(session), scene.new_person(session)
        bounties = [scene.post(session, key) for _ in range(3 * claims.MAX_ACTIVE_CLAIMS)]

    def claim(number: int) -> None:
        with postgres.transaction() as session:
            scene.claim(session, person, bounties[number])

    results = together(len(bounties), claim)
    assert results.count(None) == claims.MAX_ACTIVE_CLAIMS
    assert sum(isinstance(result, errors.StateConflict) for result in results) == 2 * claims.MAX_ACTIVE_CLAIMS


def test_what_waits_for_a_person_holds_its_author_not_the_bounty(database: Database) -> None:
    bounty_id, [capture] = scene.started(database, slots=5)
    scene.judge(database, capture, Verdict.REVIEW)
    with database.transaction() as session:
        row = session.get_one(Capture, capture)
        author = scene.Person(
            row.account, session.get_one(Claim, row.claim).device, scene.new_person(session).key
        )
        with pytest.raises(errors.StateConflict, match="waits for a person here"):
            scene.claim(session, author, session.get_one(Bounty, bounty_id))
        assert scene.claim(session, scene.new_person(session), session.get_one(Bounty, bounty_id))


def test_a_contributor_with_many_reviews_waits_for_them(database: Database) -> None:
    with database.transaction() as session:
        key, person = scene.new_agent(session), scene.new_person(session)
    for number in range(claims.MAX_IN_REVIEW):
        with database.transaction() as session:
            claimed = scene.claim(session, person, scene.post(session, key))
            capture = scene.submit(session, person, claimed, media=b"%d" % number).id
        scene.judge(database, capture, Verdict.REVIEW)
    with database.transaction() as session, pytest.raises(errors.StateConflict, match="wait for a person"):
        scene.claim(session, person, scene.post(session, key))
