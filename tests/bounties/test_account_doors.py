"""Over HTTP: a limited key's life, its approvals, the switches, an operator's freeze, and leaving."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from core import clock, geo
from core.accounts.rules import Kind, Limits, Scope
from core.accounts.service import authenticate
from core.geo import Spot
from core.money import Money
from tests.inside import Inside, is_problem


def ask(**changes: Any) -> dict[str, Any]:
    return {
        "ask": "The queue at the main door of the bakery",
        "area": {"type": "Point", "coordinates": [51.389, 35.6892], "radius_m": 100},
        "closes_at": clock.wire(clock.now() + timedelta(hours=2)),
        "reward": "0.50",
        "purpose": "Forecasting queue lengths",
        **changes,
    }


def limited(inside: Inside, owner: str, **limits: Any) -> dict[str, Any]:
    made = inside.send("POST", "/v1/keys", owner, json={"scopes": ["post", "read"], "limits": limits})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    assert is_problem(answer), answer.text
    return answer.status_code, answer.json()["code"]


def me(inside: Inside, key: str) -> dict[str, Any]:
    found: dict[str, Any] = inside.send("GET", "/v1/me", key).json()
    return found


def account_of(inside: Inside, key: str) -> str:
    return str(me(inside, key)["account"]["id"])


# Limits


def test_a_key_is_told_its_limits_and_what_it_has_spent(inside: Inside) -> None:
    owner = inside.key(Kind.AGENT)
    fence = geo.cell(Spot(35.6892, 51.389), 5)
    limits = {"per_bounty": "1", "per_hour": "2", "per_day": "3", "total": "4", "kinds": ["photo"],
              "cells": [fence], "approve_over": "0.60"}  # fmt: skip
    key = limited(inside, owner, **limits)
    assert inside.send("POST", "/v1/bounties", key["secret"], json=ask()).status_code == 201
    told = me(inside, key["secret"])["key"]
    amounts = {name: f"{value}.00" for name, value in limits.items() if name.startswith(("per_", "total"))}
    assert told["limits"] == {**limits, **amounts} == key["limits"]
    assert told["spent"] == {"hour": "0.55", "day": "0.55", "total": "0.55"}
    assert (told["id"], told["stopped_at"]) == (key["id"], None)
    listed = inside.send("GET", "/v1/keys", owner).json()["items"]
    assert listed == [me(inside, owner)["key"], told]
    assert inside.send("GET", "/v1/keys", key["secret"]).json()["items"] == [told]


@pytest.mark.parametrize(
    "limits",
    [
        {"kinds": []}, {"kinds": ["audio"]}, {"cells": []}, {"cells": ["85283473fffffff"] * 101},
        {"cells": ["8a283473fffffff"]}, {"cells": ["85283473FFFFFFF"]}, {"cells": [5]}, {"per_hour": "-1"},
        {"approve_over": 1}, {"per_week": "1"},
    ],
)  # fmt: skip
def test_limits_that_cannot_be_are_refused(inside: Inside, limits: dict[str, Any]) -> None:
    before = inside.counts()["api_keys"]
    answer = inside.send("POST", "/v1/keys", inside.key(Kind.AGENT), json={"limits": limits})
    assert refusal(answer) == (400, "BadInput")
    assert inside.counts()["api_keys"] == before + 1


@pytest.mark.parametrize("limits", [{"per_hour": "1"}, {"kinds": ["photo"]}, {"approve_over": "9"},
                                    {"cells": ["85283473fffffff"]}])  # fmt: skip
def test_any_limit_makes_a_key_that_gets_no_money_and_makes_no_keys(
    inside: Inside, limits: dict[str, Any]
) -> None:
    made = inside.send("POST", "/v1/keys", inside.key(Kind.AGENT), json={"limits": limits}).json()
    assert made["scopes"] == ["post", "read"]
    assert refusal(inside.send("POST", "/v1/keys", made["secret"], json={})) == (403, "Forbidden")


# Approvals


def test_an_approval_from_the_refusal_to_the_bounty(inside: Inside) -> None:
    owner = inside.key(Kind.AGENT)
    key = limited(inside, owner, approve_over="0.54")
    body, small = ask(), key["secret"]
    assert refusal(inside.send("POST", "/v1/bounties", small, json=body)) == (403, "ApprovalRequired")
    asked = inside.send("POST", "/v1/approvals", small, json=body)
    assert asked.status_code == 201
    made = asked.json()
    assert (made["status"], made["amount"], made["key"]) == ("waiting", "0.55", key["id"])
    assert "The queue at the main door" in made["summary"]
    for path in ("approve", "refuse"):
        answer = inside.send("POST", f"/v1/approvals/{made['id']}/{path}", small)
        assert refusal(answer) == (403, "Forbidden")
    assert refusal(inside.send("POST", "/v1/bounties", small, json={**body, "approval": made["id"]})) == (
        409,
        "StateConflict",
    )
    assert inside.send("GET", "/v1/approvals?status=waiting", owner).json()["items"] == [made]
    approved = inside.send("POST", f"/v1/approvals/{made['id']}/approve", owner)
    assert (approved.status_code, approved.json()["status"]) == (200, "approved")
    other = {**body, "purpose": "something else", "approval": made["id"]}
    assert refusal(inside.send("POST", "/v1/bounties", small, json=other)) == (403, "ApprovalRequired")
    # As asked, or as the approval holds it: the same request.
    posted = inside.send("POST", "/v1/bounties", small, json={**made["request"], "approval": made["id"]})
    assert posted.status_code == 201, posted.text
    used = inside.send("GET", f"/v1/approvals/{made['id']}", small).json()
    assert (used["status"], used["bounty"]) == ("used", posted.json()["id"])
    again = inside.send("POST", "/v1/bounties", small, json={**body, "approval": made["id"]})
    assert refusal(again) == (409, "StateConflict")


def test_a_refused_approval_says_so_and_one_of_another_account_is_not_there(inside: Inside) -> None:
    owner, stranger = inside.key(Kind.AGENT), inside.key(Kind.AGENT)
    small = limited(inside, owner, approve_over="0")["secret"]
    body = ask()
    made = inside.send("POST", "/v1/approvals", small, json=body).json()
    for path in ("", "/approve", "/refuse"):
        method = "POST" if path else "GET"
        answer = inside.send(method, f"/v1/approvals/{made['id']}{path}", stranger)
        assert refusal(answer) == (404, "NotFound")
    assert inside.send("POST", f"/v1/approvals/{made['id']}/refuse", owner).json()["status"] == "refused"
    answer = inside.send("POST", "/v1/bounties", small, json={**body, "approval": made["id"]})
    assert (refusal(answer), answer.json()["facts"]["status"]) == ((409, "StateConflict"), "refused")


def test_what_cannot_be_posted_cannot_be_asked_for_either(inside: Inside) -> None:
    owner = inside.key(Kind.AGENT)
    small = limited(inside, owner, approve_over="0", kinds=["photo"], per_bounty="1")["secret"]
    stream = {"unit": "Cel", "minimum": 0, "maximum": 1, "readings_per_window": 1}
    before = inside.counts()["approvals"]
    for body, expected in (
        (ask(area={"type": "Point", "coordinates": [400, 0], "radius_m": 1}), (400, "BadInput")),
        (ask(ask="Photo of her house"), (422, "PolicyRefused")),
        (ask(reward="1"), (402, "SpendLimitReached")),
        (ask(kind="stream", stream=stream), (402, "SpendLimitReached")),
        (ask(approval="apr_" + "0" * 26), (400, "BadInput")),
        (ask(closes_at="2020-01-01T00:00:00Z"), (400, "BadInput")),
        (ask(opens_at=2026), (400, "BadInput")),
    ):
        assert refusal(inside.send("POST", "/v1/approvals", small, json=body)) == expected
    assert inside.counts()["approvals"] == before


def test_approvals_are_listed_newest_first_a_page_at_a_time(inside: Inside) -> None:
    owner = inside.key(Kind.AGENT)
    small = limited(inside, owner, approve_over="0")["secret"]
    made = [inside.send("POST", "/v1/approvals", small, json=ask()).json()["id"] for _ in range(3)]
    first = inside.send("GET", "/v1/approvals?limit=2", owner).json()
    rest = inside.send("GET", f"/v1/approvals?limit=2&after={first['next']}", owner).json()
    assert sorted(item["id"] for item in [*first["items"], *rest["items"]]) == sorted(made)
    assert rest["next"] is None


# The switches


def test_a_stopped_key_reads_cancels_and_gets_its_refund_but_posts_nothing(inside: Inside) -> None:
    owner = inside.key(Kind.AGENT)
    key = limited(inside, owner, total="50")
    small, path = key["secret"], f"/v1/keys/{key['id']}"
    bounty = inside.send("POST", "/v1/bounties", small, json=ask()).json()["id"]
    assert inside.send("POST", f"{path}/stop", small).json()["stopped_at"]
    for route in ("/v1/bounties", "/v1/approvals"):
        assert refusal(inside.send("POST", route, small, json=ask())) == (403, "SpendingStopped")
    assert refusal(inside.send("POST", f"{path}/start", small)) == (403, "Forbidden")
    assert inside.send("POST", f"/v1/bounties/{bounty}/cancel", small).status_code == 200
    assert me(inside, small)["balances"]["available"] == "100.00"
    assert inside.send("POST", f"{path}/start", owner).json()["stopped_at"] is None
    assert inside.send("POST", "/v1/bounties", small, json=ask()).status_code == 201


def test_a_stopped_key_without_limits_makes_no_other(inside: Inside) -> None:
    owner = inside.key(Kind.AGENT)
    twin = inside.send("POST", "/v1/keys", owner, json={}).json()
    assert inside.send("POST", f"/v1/keys/{twin['id']}/stop", owner).status_code == 200
    made = inside.send("POST", "/v1/keys", twin["secret"], json={})
    assert refusal(made) == (403, "SpendingStopped")
    for path in (f"/v1/keys/{twin['id']}/start", "/v1/me/spending/start"):
        assert refusal(inside.send("POST", path, twin["secret"])) == (403, "SpendingStopped")


def test_all_spending_of_an_account_stops_at_once_and_only_the_owner_starts_it(inside: Inside) -> None:
    owner = inside.key(Kind.AGENT)
    small = limited(inside, owner, total="50")["secret"]
    assert inside.send("POST", "/v1/me/spending/stop", small).json()["spending_stopped_at"]
    for key in (owner, small):
        answer = inside.send("POST", "/v1/bounties", key, json=ask())
        assert (refusal(answer), answer.json()["facts"]) == ((403, "SpendingStopped"), {"stopped": "account"})
    assert refusal(inside.send("POST", "/v1/me/spending/start", small)) == (403, "Forbidden")
    assert inside.send("POST", "/v1/me/spending/start", owner).json()["spending_stopped_at"] is None
    assert inside.send("POST", "/v1/bounties", small, json=ask()).status_code == 201


# Frozen and closed


def test_an_operator_freezes_an_account_and_lifts_it(inside: Inside) -> None:
    owner, operator = inside.key(Kind.AGENT), inside.key(Kind.OPERATOR)
    path = f"/v1/accounts/{account_of(inside, owner)}"
    frozen = inside.send("POST", f"{path}/freeze", operator, json={"why": "dispute dp_1"})
    assert (frozen.status_code, frozen.json()["account"]["status"]) == (200, "frozen")
    assert [reason["why"] for reason in frozen.json()["reasons"]] == ["dispute dp_1"]
    for route, body in (("/v1/bounties", ask()), ("/v1/payouts", {"amount": "1"}), ("/v1/keys", {})):
        assert refusal(inside.send("POST", route, owner, json=body)) == (403, "AccountFrozen")
    assert refusal(inside.send("POST", "/v1/me/close", owner)) == (409, "StateConflict")  # it holds money
    shown = inside.send("GET", "/v1/me", owner)
    assert shown.json()["account"]["status"] == "frozen"
    assert "dp_1" not in shown.text
    lifted = inside.send("POST", f"{path}/unfreeze", operator).json()
    assert (lifted["account"]["status"], lifted["reasons"]) == ("open", [])
    assert inside.send("POST", "/v1/bounties", owner, json=ask()).status_code == 201


def test_only_an_operator_freezes_and_only_what_is_there(inside: Inside) -> None:
    owner, operator = inside.key(Kind.AGENT), inside.key(Kind.OPERATOR)
    reviewer = inside.key(Kind.OPERATOR, scopes=[Scope.REVIEW, Scope.READ])
    path = f"/v1/accounts/{account_of(inside, owner)}"
    for key in (owner, reviewer):
        frozen = inside.send("POST", f"{path}/freeze", key, json={"why": "spite"})
        assert refusal(frozen) == (403, "Forbidden")
        assert refusal(inside.send("POST", f"{path}/unfreeze", key)) == (403, "Forbidden")
    missing = f"/v1/accounts/acc_{'0' * 26}"
    assert refusal(inside.send("POST", f"{missing}/freeze", operator, json={"why": "x"})) == (404, "NotFound")
    assert refusal(inside.send("POST", f"{missing}/unfreeze", operator)) == (404, "NotFound")
    for why in ("", "\u200b", "x" * 201):
        answer = inside.send("POST", f"{path}/freeze", operator, json={"why": why})
        assert refusal(answer) == (400, "BadInput")
    assert me(inside, owner)["account"]["status"] == "open"


def test_the_owner_leaves_when_nothing_is_left(inside: Inside) -> None:
    lab, rich, operator = inside.key(Kind.LAB), inside.key(Kind.AGENT), inside.key(Kind.OPERATOR)
    second = limited(inside, lab, total="1")["secret"]
    answer = inside.send("POST", "/v1/me/close", rich)
    assert refusal(answer) == (409, "StateConflict")
    assert answer.json()["facts"] == {
        "bounties": 0, "claims": 0, "captures": 0, "operations": 0, "may_come_back": 0,
        "available": "100.00",
    }  # fmt: skip
    account = account_of(inside, lab)
    assert refusal(inside.send("POST", "/v1/me/close", second)) == (403, "Forbidden")
    closed = inside.send("POST", "/v1/me/close", lab)
    assert (closed.status_code, closed.json()["status"]) == (200, "closed")
    for key in (lab, second):
        assert refusal(inside.send("GET", "/v1/me", key)) == (401, "Unauthenticated")
    frozen = inside.send("POST", f"/v1/accounts/{account}/freeze", operator, json={"why": "late"})
    assert refusal(frozen) == (409, "StateConflict")
    assert refusal(inside.send("POST", f"/v1/accounts/{account}/unfreeze", operator)) == (
        409,
        "StateConflict",
    )


def test_a_key_keeps_its_limits_as_they_were_given(inside: Inside) -> None:
    """What is stored comes back the same, each limit alone."""
    fence = (geo.cell(Spot(1, 1), 0), geo.cell(Spot(1, 1), 9))
    for limits in (
        Limits(), Limits(per_hour=Money(0)), Limits(kinds=("photo", "stream")),
        Limits(cells=tuple(sorted(fence))), Limits(approve_over=Money(1)),
    ):  # fmt: skip
        secret = inside.key(Kind.AGENT, limits=limits)
        with inside.database.reading() as session:
            key = authenticate(session, secret)[1]
            assert (key.limits, key.has_limits()) == (limits, limits != Limits())
