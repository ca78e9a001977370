"""Whatever is sent to any route: no 5xx, a problem with a code and a hint, and nothing half done.

Two sources: schemathesis,
from the application's own OpenAPI page; and a corpus of hostile JSON put into every
field of every POST.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from core import clock
from core.accounts.rules import Kind
from core.ids import new_id
from tests.core.test_money import NO_AMOUNTS
from tests.every.trade import person, trade
from tests.inside import Inside, is_problem

SEED = 20261123
ANY_NUMBER = {"stream.minimum", "stream.maximum"}  # the fields that hold floats of any size

UPLOADS = (
    "application/zip",
    "image/avif",
    "image/heic",
    "image/heif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "video/mp4",
    "video/quicktime",
    "video/webm",
)


@schemathesis.serializer(*UPLOADS)
def as_bytes(_: Any, value: Any) -> bytes:
    """An upload's body: what is not bytes already is sent as its JSON."""
    data = getattr(value, "data", value)
    return data if isinstance(data, bytes) else json.dumps(data).encode()


# Raw JSON that no field of any route may hold.
POISON = {
    "not a number": "NaN", "infinity": "Infinity", "minus infinity": "-Infinity", "over a double": "1e400",
    "2^63": "9223372036854775808", "-2^63-1": "-9223372036854775809", "5000 digits": "9" * 5000,
    "deep list": "[" * 100 + "]" * 100, "very deep list": "[" * 20_000 + "]" * 20_000,
    "deep object": '{"a":' * 100 + "1" + "}" * 100, "half a character": '"\\ud800"',
    "other half": '"a\\udc00b"',
    "nul": '"\\u0000"', "nul key": '{"\\u0000":1}',
    "half key": '{"\\ud800":1}',
    "no json": "undefined", "single quotes": "'x'", "hex": "0x10", "leading zero": "012", "plus": "+1",
    "comment": "/* */1", "open string": '"', "open list": "[1,", "trailing comma": "[1,]",
}  # fmt: skip
# Values that some field may hold, and that must harm none.
ODD = (
    '"acc\\u0000ess"', "null", "true", "{}", "[]", '""', '" "', "-0", "-1", "0", "0.1", "1e308",
    '"\\u202e\\u200b"',
    '"\\udb40\\udc41"',
    json.dumps("x" * 100_000), json.dumps([0] * 50_000), json.dumps({str(n): n for n in range(5000)}),
    '"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-14:00"', '"2026-02-30T00:00:00Z"', '"NaN"', '"-1"',
    '"1e3"',
    '"../../etc/passwd"', '"\'; DROP TABLE accounts;--"', '"${jndi:ldap://x}"', '"%00"',
    '{"$ref":"http://x"}',
    '{"type":"Point","coordinates":[181,91],"radius_m":100}',
    '{"type":"Point","coordinates":[1e400,0],"radius_m":1}',
    '{"type":"Polygon","coordinates":[[[0,0],[0,1],[1,0],[1e308,0]]]}',
    '{"type":"string","pattern":"(a+)+$"}',
    '{"type":"object","properties":{"a":{"$dynamicRef":"#"}}}', '{"enum":[]}', '{"multipleOf":0}',
    '{"type":7}',
)  # fmt: skip
BODIES_THAT_ARE_NONE = (
    b"", b" ", b"null", b"[]", b'"x"', b"1", b"{", b"}", b"\xff\xfe", b"\x00", b"{}x", b"{\"a\":1}{\"a\":1}",
    b"[" * 100_000, b'{"a":' * 50_000, "{\"\ud800\": 1}".encode("utf-8", "surrogatepass"), b'{"\\ud800": 1}',
    b'{"__proto__": {}}', b'{"unknown": 1}',
)  # fmt: skip


def valid_bodies() -> dict[str, dict[str, Any]]:
    """A body each POST route would take, by path."""
    signature, soon = "A" * 86, clock.wire(clock.now() + timedelta(hours=2))
    point = {"type": "Point", "coordinates": [51.4, 35.7], "radius_m": 100}
    stream = {"unit": "Cel", "minimum": 0, "maximum": 1, "readings_per_window": 1, "min_interval_s": 0}
    ask: dict[str, Any] = {
        "kind": "stream", "ask": "Is it warm?", "answer_schema": {"type": "integer"}, "area": point,
        "opens_at": clock.wire(clock.now()), "closes_at": soon, "reward": "0.50", "slots": 1, "tier": 0,
        "licence": "buyer-only", "purpose": "testing", "max_freshness_s": 60, "stream": stream,
    }  # fmt: skip
    return {
        "/v1/accounts": {"name": "x", "kind": "agent"},
        "/v1/devices": {
            "algorithm": "ES256", "public_key": "QQ", "proof": "QQ", "kind": "phone", "name": "x", "lat": 1,
            "lon": 1,
        },
        "/v1/keys": {
            "scopes": ["read"],
            "limits": {
                "per_bounty": "1", "per_hour": "1", "per_day": "1", "total": "1", "approve_over": "1",
                "kinds": ["photo"], "cells": ["85283473fffffff"],
            },
        },
        "/v1/accounts/{account_id}/freeze": {"why": "testing"},
        "/v1/deposits": {"amount": "1"},
        "/v1/payouts": {"amount": "1"},
        "/v1/deposits/{operation_id}/refunds": {"amount": "1"},
        "/v1/bounties": ask, "/v1/approvals": {**ask, "approval": None},
        "/v1/bounties/{bounty_id}/claims": {"device": new_id("dev")},
        "/v1/claims/{claim_id}/commitment": {"commitment": "0" * 64, "signature": signature},
        "/v1/claims/{claim_id}/parts": {"part": 0, "payload": "{}", "signature": signature},
        "/v1/claims/{claim_id}/captures": {"statement": "{}", "signature": signature, "answer": 3},
        "/v1/captures/{capture_id}/appeal": {"statement": "It was there."},
        "/v1/captures/{capture_id}/clawback": {"why": "A rendered picture."},
        "/v1/reviews/{capture_id}": {"verdict": "accept", "note": "fine"},
    }  # fmt: skip


class Target:
    """A market inside with one trade in it, and who may call what."""

    def __init__(self, inside: Inside) -> None:
        self.inside = inside
        contributor, key_id, contributor_key = person(inside)
        self.keys = {
            Kind.AGENT: inside.key(Kind.AGENT), Kind.PERSON: contributor_key,
            Kind.OPERATOR: inside.key(Kind.OPERATOR),
        }  # fmt: skip
        self.ids = {**trade(inside, self.keys[Kind.AGENT], contributor), "key_id": key_id}

    def key_for(self, path: str) -> str:
        """The key that gets furthest on a route."""
        if "/clawback" in path:
            return self.keys[Kind.OPERATOR]
        if "/claims" in path or "/captures" in path:
            return self.keys[Kind.PERSON]
        operators = "/reviews" in path or path.endswith("freeze")
        return self.keys[Kind.OPERATOR if operators else Kind.AGENT]

    def post(
        self, path: str, body: bytes | Iterator[bytes], content_type: str = "application/json"
    ) -> httpx2.Response:
        headers = {"Content-Type": content_type}
        key = self.key_for(path) if path not in {"/v1/accounts", "/v1/devices"} else None
        return self.inside.send("POST", path.format(**self.ids), key, content=body, headers=headers)

    def kept(self) -> dict[str, int]:
        """Rows of every table but the remembered calls."""
        return {table: rows for table, rows in self.inside.counts().items() if table != "remembered_calls"}


@pytest.fixture(scope="module")
def target(blank_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "house.db").write_bytes(blank_sqlite.read_bytes())
    inside = Inside(f"sqlite:///{folder / 'house.db'}", folder / "home")
    yield Target(inside)
    inside.close()


def fault(answer: httpx2.Response) -> str | None:
    """What is wrong with an answer, whatever was asked."""
    if answer.status_code >= 500:
        return f"{answer.status_code}: {answer.text[:300]}"
    if answer.status_code >= 400 and not is_problem(answer):
        return f"{answer.status_code} is no problem JSON: {answer.text[:300]}"
    return None


# From the OpenAPI page


@pytest.mark.parametrize(
    ("kind", "mode", "examples"),
    [
        (Kind.AGENT, GenerationMode.POSITIVE, 6),
        (Kind.PERSON, GenerationMode.POSITIVE, 6),
        (Kind.OPERATOR, GenerationMode.POSITIVE, 3),
        (Kind.AGENT, GenerationMode.NEGATIVE, 4),
    ],
)
def test_no_request_the_openapi_page_can_make_breaks_the_api(
    target: Target, kind: Kind, mode: GenerationMode, examples: int
) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", target.inside.app)
    faults: list[str] = []
    sent = 0
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]  # the page was read by FastAPI itself

        @seed(SEED)
        @settings(
            max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case: schemathesis.Case[Any]) -> None:
            nonlocal sent
            sent += 1
            answer = send(target, case, target.keys[kind], real_ids=sent % 2 == 0)
            if (wrong := fault(answer)) is not None:
                faults.append(f"{case.method} {case.path}: {wrong}: {case.body!r} {case.query!r}"[:600])

        takes = any((operation.body, operation.query, operation.path_parameters))
        if mode is GenerationMode.NEGATIVE and not takes:
            continue
        with suppress(Unsatisfiable):  # a route with nothing in it to get wrong
            run()
    assert not faults, f"{len(faults)} of {sent}:\n" + "\n".join(faults[:10])
    assert sent > 80


def send(target: Target, case: schemathesis.Case[Any], key: str, *, real_ids: bool) -> httpx2.Response:
    """Sends a generated request, every second one at things that are there; never waits."""
    if case.path.endswith("/wait"):
        case.query = {**(case.query or {}), "timeout": 0}
    known = {name: target.ids[name] for name in case.path_parameters or {} if name in target.ids}
    if real_ids and known and not case.path.endswith(("/keys/{key_id}", "/devices/{device_id}")):
        case.path_parameters = {**case.path_parameters, **known}
    made = case.as_transport_kwargs(
        headers={"Authorization": f"Bearer {key}", "Idempotency-Key": new_id("trf")}
    )
    for extra in ("cookies", "timeout", "verify", "cert"):
        made.pop(extra, None)
    if isinstance(made.get("data"), bytes | str):
        made["content"] = made.pop("data")
    answer: httpx2.Response = target.inside.client.request(made.pop("method"), made.pop("url"), **made)
    return answer


# By hand


def poisoned(body: dict[str, Any], fragment: str) -> Iterator[tuple[str, bytes]]:
    """The body with one field, at any depth, replaced by a raw fragment of JSON: (where, bytes)."""
    mark = '"@@here@@"'

    def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            if isinstance(inner, dict | list):
                yield from places(inner, (*path, key))

    for path in places(body):
        copied = deepcopy(body)
        spot: Any = copied
        for key in path[:-1]:
            spot = spot[key]
        spot[path[-1]] = "@@here@@"
        yield ".".join(map(str, path)), json.dumps(copied).replace(mark, fragment).encode()


def post_routes(inside: Inside) -> list[str]:
    pages = inside.client.get("/openapi.json").json()["paths"]
    return [path for path, found in pages.items() if "post" in found and "requestBody" in found["post"]]


def test_the_corpus_knows_every_post_with_a_body(target: Target) -> None:
    assert set(post_routes(target.inside)) == set(valid_bodies())


@pytest.mark.parametrize("path", sorted(valid_bodies()))
def test_poison_in_any_field_is_refused_and_leaves_no_trace(target: Target, path: str) -> None:
    before, faults = target.kept(), []
    for name, fragment in POISON.items():
        for where, body in poisoned(valid_bodies()[path], fragment):
            if "2^63" in name and where in ANY_NUMBER:
                continue
            answer = target.post(path, body)
            if fault(answer) or not 400 <= answer.status_code < 500:
                faults.append(f"{name} in {where}: {answer.status_code} {answer.text[:200]}")
    assert not faults, "\n".join(faults[:10])
    assert target.kept() == before


@pytest.mark.parametrize("path", sorted(valid_bodies()))
def test_odd_values_in_any_field_break_nothing(target: Target, path: str) -> None:
    faults = []
    for row, fragment in enumerate(ODD):
        for column, (where, body) in enumerate(poisoned(valid_bodies()[path], fragment)):
            # Each value meets a third of a body's fields, each field a third of the values: time is short.
            if (row + column) % 3 == 0 and (wrong := fault(target.post(path, body))) is not None:
                faults.append(f"{fragment[:60]} in {where}: {wrong}")
    assert not faults, "\n".join(faults[:10])


@pytest.mark.parametrize("path", sorted(valid_bodies()))
def test_a_body_that_is_none_is_refused_and_leaves_no_trace(target: Target, path: str) -> None:
    before = target.kept()
    for body in BODIES_THAT_ARE_NONE:
        answer = target.post(path, body)
        assert fault(answer) is None, body[:40]
        assert 400 <= answer.status_code < 500, body[:40]
    text = json.dumps(valid_bodies()[path])
    for wrong_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "image/jpeg",
        "json",
    ):
        answer = target.post(path, text.encode(), wrong_type)
        assert fault(answer) is None, wrong_type
        assert answer.status_code == 400, wrong_type
    first = next(iter(valid_bodies()[path]))
    for twice in (f"{text[:-1]},{json.dumps(first)}:{{}}}}", f'{text[:-1]},"x":1}}'):
        assert target.post(path, twice.encode()).status_code == 400, twice
    assert target.post(path, text.encode() + b" " * 600_000).status_code == 413
    assert target.kept() == before


def test_a_body_of_unstated_length_is_cut_off(target: Target) -> None:
    """Chunked: no Content-Length says how much is coming."""
    answer = target.post("/v1/deposits", (b" " * 100_000 for _ in range(100)))
    assert (answer.status_code, fault(answer)) == (413, None)
    assert answer.json()["code"] == "TooLarge"


def test_no_amount_that_is_none_is_taken(target: Target) -> None:
    before, agent = target.kept(), target.keys[Kind.AGENT]
    for text in NO_AMOUNTS:
        for path, body in (("/v1/deposits", {"amount": text}), ("/v1/keys", {"limits": {"total": text}})):
            answer = target.inside.send("POST", path, agent, json=body)
            assert (answer.status_code, fault(answer)) == (400, None), f"{path} {text!r}"
    assert target.kept() == before


@pytest.mark.parametrize("query", ["lat=nan&lon=0", "lat=0&lon=inf", "lat=91&lon=0", "lat=0&lon=-180.1",
"lat=0", "",
                                   "lat=0&lon=0&radius_m=0", "lat=0&lon=0&radius_m=50001", "lat=%00&lon=0",
                                   "lat=0&lon=0&radius_m=nan", "lat=1e999&lon=0"])  # fmt: skip
def test_no_place_is_refused(target: Target, query: str) -> None:
    answer = target.inside.send("GET", f"/v1/bounties/near?{query}", target.keys[Kind.PERSON])
    assert (answer.status_code, fault(answer)) == (400, None)


@pytest.mark.parametrize("place", [(90, 0), (-90, 180), (0, -180), (0, 180), (89.999, -179.999)])
def test_the_ends_of_the_world_are_places(target: Target, place: tuple[float, float]) -> None:
    query = {"lat": place[0], "lon": place[1], "radius_m": 50_000}
    answer = target.inside.send("GET", "/v1/bounties/near", target.keys[Kind.PERSON], params=query)
    assert (answer.status_code, list(answer.json())) == (200, ["items"])


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/%00"), ("GET", "/a%00b"), ("GET", "/" + "x" * 5000), ("GET", "/../../etc/passwd"), ("PUT", "/"),
    ("GET", "/..%2f..%2fetc%2fpasswd"), ("POST", "/v1/nothing"), ("GET", "/v1/nothing"), ("PATCH",
    "/v1/bounties"),
    ("DELETE", "/v1/me"), ("GET", "/v1/operations/%00"), ("DELETE", "/v1/keys/%00"), ("GET", "/docs/%00"),
    ("GET", "/v1/bounties/%ff"), ("GET", "/log/tile/0/%00"), ("GET", "/log/consistency?old=9e9&new=-1"),
    ("GET", "/v1/bounties?after=%00"), ("GET", "/v1/bounties?limit=1e9"), ("GET",
    "/v1/bounties?status=%F0%9F"),
    ("TRACE", "/v1/me"), ("GET", "/docs/..%2fREADME.md"), ("GET", "/llms.txt/"),
])  # fmt: skip
def test_a_path_that_leads_nowhere_is_a_problem_too(target: Target, method: str, path: str) -> None:
    answer = target.inside.send(method, path, target.keys[Kind.AGENT])
    assert 400 <= answer.status_code < 500
    assert fault(answer) is None


@pytest.mark.parametrize("path", ["/v1/operations/%00", "/v1/keys/%00", "/v1/operations/a%00b"])
def test_an_id_postgres_cannot_read_is_no_fault_of_the_server(
    postgres: Any, tmp_path: Path, path: str
) -> None:
    inside = Inside(postgres.engine.url.render_as_string(hide_password=False), tmp_path / "home")
    method = "DELETE" if "keys" in path else "GET"
    answer = inside.send(method, path, inside.key(Kind.AGENT))
    assert answer.status_code in {400, 404}
    inside.close()
