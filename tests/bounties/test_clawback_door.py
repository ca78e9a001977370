"""The operator's clawback over HTTP, on the whole application: from a bounty's fee to the buyer's balance."""

from __future__ import annotations

from bounties.tables import Bounty
from core import clock
from core.accounts.rules import Kind, Scope
from core.db import Database
from payments import ledger
from payments import rules as money
from tests.bounties import scene
from tests.every.trade import person
from tests.inside import Inside
from verification.evidence import Verdict

WHY = {"why": "rendered: the shadows contradict each other"}


def accepted(inside: Inside, buyer: str) -> tuple[str, str]:
    """A $2 bounty posted over HTTP and a capture of it, accepted; the capture and its contributor's key."""
    point = {"type": "Point", "coordinates": [51.4, 35.7], "radius_m": 100}
    closes = clock.wire(clock.now() + scene.LEASE * 60)
    ask = {"kind": "photo", "ask": "The queue at the bakery", "area": point, "closes_at": closes}
    body = ask | {"answer_schema": {"type": "integer"}, "reward": "2.00", "purpose": "testing"}
    posted = inside.send("POST", "/v1/bounties", buyer, json=body).json()
    assert posted["fee"] == "0.20", "one fee: the premium is no business of the buyer"
    contributor, _, secret = person(inside)
    with inside.database.transaction() as session:
        now, bounty = clock.now(), session.get_one(Bounty, posted["id"])
        claimed = scene.claim(session, contributor, bounty, now=now)
        capture = scene.submit(session, contributor, claimed, now=now).id
    scene.judge(inside.database, capture, Verdict.ACCEPT, now=clock.now())
    return capture, secret


def micros(database: Database, name: str) -> int:
    with database.reading() as session:
        return ledger.balance(session, name)


def test_the_buyer_is_told_and_has_its_money_again(inside: Inside) -> None:
    buyer, operator = inside.key(Kind.AGENT), inside.key(Kind.OPERATOR)
    capture, contributor = accepted(inside, buyer)
    assert micros(inside.database, money.RESERVE_WARRANTY) == 40_000
    path = f"/v1/captures/{capture}/clawback"
    answers = [inside.send("POST", path, operator, once="k", json=WHY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    mine = inside.send("GET", f"/v1/captures/{capture}", contributor).json()
    assert (mine["status"], mine["verdict"], mine["paid"]) == ("revoked", "reject", None)
    assert inside.send("GET", "/v1/me", contributor).json()["balances"]["pending"] == "0.00"
    [seen] = inside.send("GET", "/v1/observations", buyer).json()["items"]
    assert seen["revoked"] is True
    assert inside.send("GET", f"/v1/observations/{seen['id']}/receipt", buyer).status_code == 200
    assert inside.send("GET", "/v1/me", buyer).json()["balances"]["available"] == "100.00"
    assert micros(inside.database, money.RESERVE_WARRANTY) == micros(inside.database, money.REVENUE_FEE) == 0
    again = inside.send("POST", path, operator, json=WHY)
    assert (again.status_code, again.json()["code"]) == (409, "StateConflict")


def test_a_reviewers_key_or_no_reason_is_not_enough(inside: Inside) -> None:
    capture, _ = accepted(inside, inside.key(Kind.AGENT))
    path = f"/v1/captures/{capture}/clawback"
    reviewer = inside.key(Kind.OPERATOR, scopes=[Scope.REVIEW, Scope.READ])
    assert inside.send("POST", path, reviewer, json=WHY).status_code == 403
    operator = inside.key(Kind.OPERATOR)
    for body in ({}, {"why": ""}, {"why": " "}, {"why": "x" * 100_000}):
        assert inside.send("POST", path, operator, json=body).status_code in {400, 413, 422}
    assert micros(inside.database, money.RESERVE_WARRANTY) == 40_000
