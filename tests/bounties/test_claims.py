"""How many claims one contributor may hold, and let go."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bounties import claims, rules
from bounties.rules import ClaimState
from bounties.tables import Bounty, Capture, Claim
from core import errors, states
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


def refuse(database: Database, person: scene.Person, bounty: Bounty, media: bytes, now: datetime) -> None:
    """A capture of this person is handed in and rejected."""
    with database.transaction() as session:
        claimed = scene.claim(session, person, session.get_one(Bounty, bounty.id), now=now)
        capture = scene.submit(session, person, claimed, now=now, media=media).id
    scene.judge(database, capture, Verdict.REJECT, now=now)


def a_day_of_refusals(database: Database, bounties: int, each: int) -> tuple[scene.Person, list[Bounty]]:
    with database.transaction() as session:
        key, person = scene.new_agent(session), scene.new_person(session)
        posted = [scene.post(session, key) for _ in range(bounties)]
    for number in range(bounties * each):
        refuse(database, person, posted[number // each], b"%d" % number, NOW + timedelta(minutes=number))
    return person, posted


def test_who_was_refused_on_a_bounty_three_times_waits_a_day(database: Database) -> None:
    person, (bounty,) = a_day_of_refusals(database, 1, rules.MAX_REFUSED)
    later = NOW + timedelta(minutes=10)
    with database.transaction() as session:
        with pytest.raises(errors.TooMany) as refused:
            scene.claim(session, person, bounty, now=later)
        assert refused.value.facts["retry_after"] == 86400 - 600
        assert scene.claim(session, scene.new_person(session), bounty, now=later), "others may"
        other = scene.post(session, scene.new_agent(session))
        assert scene.claim(session, person, other, now=later), "elsewhere may be tried"


def test_who_was_refused_ten_times_waits_everywhere(database: Database) -> None:
    person, _ = a_day_of_refusals(database, 5, 2)
    with database.transaction() as session:
        other = scene.post(session, scene.new_agent(session), scene.ask(hours=48))
        with pytest.raises(errors.TooMany):
            scene.claim(session, person, other, now=NOW + timedelta(hours=1))
        assert scene.claim(session, person, other, now=NOW + timedelta(hours=25))


def test_tries_are_not_made_all_at_once(database: Database) -> None:
    with database.transaction() as session:
        key, person = scene.new_agent(session), scene.new_person(session)
        bounty = scene.post(session, key, scene.ask(slots=9))
        for number in range(rules.MAX_REFUSED):
            scene.submit(session, person, scene.claim(session, person, bounty), media=b"%d" % number)
        with pytest.raises(errors.TooMany) as refused:
            scene.claim(session, person, bounty)
        assert refused.value.facts["retry_after"] == 60


def test_what_was_accepted_is_no_try(database: Database) -> None:
    with database.transaction() as session:
        key, person = scene.new_agent(session), scene.new_person(session)
        bounty = scene.post(session, key, scene.ask(slots=9))
    for number in range(rules.MAX_REFUSED + 2):
        with database.transaction() as session:
            claimed = scene.claim(session, person, session.get_one(Bounty, bounty.id))
            capture = scene.submit(session, person, claimed, media=b"%d" % number).id
        scene.judge(database, capture, Verdict.ACCEPT)


def test_its_author_is_not_told_the_score(database: Database) -> None:
    """Neither by the reasons nor by the row of the history, which is its author's event."""
    _, (capture,) = scene.started(database)
    scene.judge(database, capture, Verdict.REVIEW)
    with database.transaction() as session:
        rows = session.scalars(select(states.History).where(states.History.subject == capture))
        assert all("p_genuine" not in row.facts for row in rows)
