"""What the verifier is told of a bounty's other answers: the accepted, the earlier, with who gave them."""

from __future__ import annotations

import pytest

from bounties import judging
from core.db import Database
from tests.bounties import scene
from verification.evidence import Other, Verdict


@pytest.fixture(params=["database", "postgres"])
def market(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


def others(market: Database, capture: str) -> tuple[Other, ...]:
    with market.reading() as session:
        return judging.evidence_of(session, capture).others


def test_the_earlier_accepted_answers_of_the_same_bounty(market: Database) -> None:
    _, captures = scene.started(market, slots=4, people=4)
    _, elsewhere = scene.started(market)
    scene.judge(market, captures[0], Verdict.ACCEPT)
    scene.judge(market, captures[1], Verdict.REJECT)
    scene.judge(market, captures[3], Verdict.ACCEPT)
    scene.judge(market, elsewhere[0], Verdict.ACCEPT)
    assert others(market, captures[0]) == ()
    [told] = others(market, captures[2])
    assert told.answer == 3
    assert told.accuracy == pytest.approx(0.97 * 0.7 + 0.03 / 8)
    assert {tie.partition(":")[0] for tie in told.ties} == {"account", "device"}
    assert len(others(market, captures[3])) == 1, "not the later ones, not the refused, not another bounty's"


def test_ones_own_ties_are_told_beside_them(market: Database) -> None:
    _, captures = scene.started(market, slots=2, people=2)
    scene.judge(market, captures[0], Verdict.ACCEPT)
    with market.reading() as session:
        found = judging.evidence_of(session, captures[1])
    assert not found.ties & found.others[0].ties
    assert f"account:{found.session.account}" in found.ties
