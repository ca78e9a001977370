"""How many claims one contributor may hold, and let go."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bounties import claims, rules
from bounties.rules import ClaimState
from core import errors
from core.db import Database
from tests.bounties import scene
from tests.bounties.scene import NOW


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
