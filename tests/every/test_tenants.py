"""Every route that takes an id, from the OpenAPI page, against everyone whose thing it is not.

Another tenant's thing and a thing that is not there give the same answer, to the byte but the request_id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from bounties.tables import Capture
from core.accounts.rules import Kind
from core.accounts.tables import Account, Device
from core.ids import new_id
from tests.every.trade import person, trade
from tests.inside import Inside, is_problem

PUBLIC = re.compile(r"^/(log|docs)/|^/(docs|llms|openapi)")
SIGNATURE = "A" * 86
CLAIM = "/v1/bounties/{bounty_id}/claims"
BODIES: dict[str, dict[str, Any]] = {
    "POST /v1/bounties/{bounty_id}/cancel": {},
    "POST /v1/claims/{claim_id}/abandon": {},
    "POST /v1/claims/{claim_id}/commitment": {"json": {"commitment": "0" * 64, "signature": SIGNATURE}},
    "PUT /v1/claims/{claim_id}/media": {
        "content": b"\xff\xd8\xff",
        "headers": {"Content-Type": "image/jpeg"},
    },
    "PUT /v1/claims/{claim_id}/burst": {
        "content": b"PK",
        "headers": {"Content-Type": "application/zip"},
    },
    "POST /v1/claims/{claim_id}/parts": {"json": {"part": 0, "payload": "{}", "signature": SIGNATURE}},
    "POST /v1/claims/{claim_id}/captures": {"json": {"statement": "{}", "signature": SIGNATURE, "answer": 3}},
    "POST /v1/captures/{capture_id}/appeal": {"json": {"statement": "It was there."}},
    "POST /v1/accounts/{account_id}/freeze": {"json": {"why": "spite"}},
    "POST /v1/accounts/{account_id}/unfreeze": {},
    "POST /v1/approvals/{approval_id}/approve": {},
    "POST /v1/approvals/{approval_id}/refuse": {},
    "POST /v1/keys/{key_id}/stop": {},
    "POST /v1/keys/{key_id}/start": {},
    "POST /v1/deposits/{operation_id}/refunds": {"json": {"amount": "1"}},
    "PUT /v1/me/top-up": {"json": {"below": "5", "amount": "20", "daily_cap": "100"}},
    "POST /v1/captures/{capture_id}/clawback": {"json": {"why": "a rendered picture"}},
    "POST /v1/reviews/{capture_id}": {"json": {"verdict": "accept", "note": "looks fine"}},
}
OPERATORS = ("/v1/reviews", "/v1/accounts/", "/v1/captures/{capture_id}/clawback")
"""A body that the owner's own call could have: without one a 400 would hide the answer looked for."""


@dataclass(frozen=True)
class World:
    """One tenant with one of each thing, and the keys of everyone else."""

    inside: Inside
    ids: dict[str, str]
    absent: dict[str, str]
    owners: dict[str, str]
    strangers: dict[str, str]
    shut_out: dict[str, str | None]


@pytest.fixture(scope="module")
def world(blank_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("tenants")
    (folder / "house.db").write_bytes(blank_sqlite.read_bytes())
    inside = Inside(f"sqlite:///{folder / 'house.db'}", folder / "home")
    buyer = inside.key(Kind.AGENT)
    contributor, key_id, contributor_key = person(inside)
    ids = {**trade(inside, buyer, contributor), "key_id": key_id}
    other_contributor, _, other_key = person(inside)
    assert other_contributor.account != contributor.account
    absent = {name: new_id(value[:3]) for name, value in ids.items() if name != "sha256"} | {
        "sha256": ids["sha256"]
    }
    yield World(
        inside,
        ids,
        absent,
        owners={"buyer": buyer, "contributor": contributor_key},
        strangers={
            "another agent": inside.key(Kind.AGENT),
            "another contributor": other_key,
            "a lab": inside.key(Kind.LAB),
        },
        shut_out={
            "nobody": None, "a made-up key": "sk_made_up", "a revoked agent": revoked(inside, buyer),
            "a revoked contributor": revoked(inside, contributor_key),
        },
    )  # fmt: skip
    inside.close()


def revoked(inside: Inside, owner: str) -> str:
    """A second key of an owner's account, revoked since."""
    made = inside.send("POST", "/v1/keys", owner, json={}).json()
    assert inside.send("DELETE", f"/v1/keys/{made['id']}", owner).status_code == 204
    return str(made["secret"])


def routes_with_ids(inside: Inside) -> list[tuple[str, str]]:
    pages = inside.client.get("/openapi.json").json()["paths"]
    return [
        (m.upper(), path)
        for path, found in pages.items()
        if "{" in path
        for m in found
        if not PUBLIC.match(path)
    ]


def call(world: World, method: str, path: str, key: str | None, ids: dict[str, str]) -> httpx2.Response:
    body = BODIES.get(f"{method} {path}", {})
    if path == CLAIM:
        body = {"json": {"device": new_id("dev")}}
    assert body or method in {"GET", "DELETE"} or f"{method} {path}" in BODIES, f"{method} {path}: no body"
    query = "?timeout=0" if path.endswith("/wait") else ""
    return world.inside.send(method, path.format(**ids) + query, key, **body)


def told(answer: httpx2.Response) -> dict[str, object]:
    return {**answer.json(), "request_id": ""}


def effects(world: World) -> str:
    """Everything that counts in the database: rows, and the states of what can be moved."""
    with world.inside.database.reading() as session:
        states = [(c.id, c.status, c.paid) for c in session.scalars(select(Capture))]
    return json.dumps([world.inside.counts(), states])


def test_another_tenants_things_look_like_nothing_at_all(world: World) -> None:
    before, seen = effects(world), 0
    for method, path in routes_with_ids(world.inside):
        for who, key in world.strangers.items():
            theirs = call(world, method, path, key, world.ids)
            nobodys = call(world, method, path, key, world.absent)
            at = f"{who}: {method} {path}: {theirs.status_code} {theirs.text[:200]}"
            assert theirs.status_code in {403, 404}, at
            assert is_problem(theirs), at
            # A bounty is for every contributor to see; that one is there is no secret of its payer's.
            assert told(theirs) == told(nobodys) or path == CLAIM, at
            seen += 1
    assert seen >= 3 * 17
    assert effects(world) == before


def test_nobody_without_a_live_key_gets_to_anything(world: World) -> None:
    before = effects(world)
    for method, path in routes_with_ids(world.inside):
        for who, key in world.shut_out.items():
            answer = call(world, method, path, key, world.ids)
            assert answer.status_code == 401, f"{who}: {method} {path}"
            assert answer.json()["code"] == "Unauthenticated"
            assert is_problem(answer)
    assert effects(world) == before


def test_routes_without_an_id_need_a_key_too_but_the_public_ones(world: World) -> None:
    public = {"/v1/accounts", "/v1/devices", "/healthz", "/readyz"}
    pages = world.inside.client.get("/openapi.json").json()["paths"]
    for path, found in pages.items():
        if "{" in path or path in public or PUBLIC.match(path):
            continue
        for method in found:
            for key in world.shut_out.values():
                answer = world.inside.send(method.upper(), path, key, json={})
                assert answer.status_code in {400, 401}, f"{method} {path}"
                assert answer.status_code == 401 or method == "post" or "near" in path, f"{method} {path}"


def test_the_owners_do_get_there(world: World) -> None:
    """The matrix above can fail: the same ids with the owner's key are found."""
    found = [path for method, path in routes_with_ids(world.inside) if method == "GET"]
    reads = [path for path in found if not path.startswith("/v1/reviews")]  # those are an operator's
    assert len(reads) >= 8
    for path in reads:
        answers = {
            who: call(world, "GET", path, key, world.ids).status_code for who, key in world.owners.items()
        }
        assert 200 in answers.values(), f"{path}: {answers}"
        assert sorted(answers.values())[1] in {403, 404}, f"one owner saw the other's side: {path}: {answers}"


def test_no_list_holds_another_tenants_things(world: World) -> None:
    hidden = [value for name, value in world.ids.items() if name != "sha256"]
    bounty = world.ids["bounty_id"]
    for key in world.strangers.values():
        for path in (
            "/v1/bounties",
            "/v1/observations",
            f"/v1/observations?bounty={bounty}",
            "/v1/captures",
            "/v1/approvals",
            "/v1/keys",
            "/v1/me",
            "/v1/me/statement",
            "/v1/me/statement?format=csv",
        ):
            answer = world.inside.send("GET", path, key)
            assert not [value for value in hidden if value in answer.text], path


def test_a_card_says_neither_who_asks_nor_who_answers(world: World) -> None:
    near = {"lat": 35.7, "lon": 51.4}
    answer = world.inside.send(
        "GET", "/v1/bounties/near", world.strangers["another contributor"], params=near
    )
    assert world.ids["bounty_id"] in answer.text
    with world.inside.database.reading() as session:
        named = [*session.scalars(select(Account.id)), world.ids["claim_id"], world.ids["capture_id"]]
    assert not [value for value in named if value in answer.text]


def test_a_stranger_claims_with_no_device_but_their_own(world: World) -> None:
    """A bounty is open to every contributor; the device of another is not there for them."""
    with world.inside.database.reading() as session:
        device = session.scalars(select(Device.id)).first()
    path = CLAIM.format(**world.ids)
    answer = world.inside.send("POST", path, world.strangers["another contributor"], json={"device": device})
    assert (answer.status_code, answer.json()["detail"]) == (404, "no such device")


def test_an_operator_cannot_touch_money_or_pose_as_a_trader(world: World) -> None:
    operator = world.inside.key(Kind.OPERATOR)
    for path, body in (("/v1/payouts", {"amount": "1"}), ("/v1/deposits", {"amount": "1"})):
        assert world.inside.send("POST", path, operator, json=body).status_code == 403
    for method, path in routes_with_ids(world.inside):
        if not path.startswith(OPERATORS):
            answer = call(world, method, path, operator, world.ids)
            assert answer.status_code in {403, 404}, f"{method} {path}: {answer.status_code}"
