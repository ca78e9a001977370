"""/openapi.json says what the application does: who needs a key, which calls one, how it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from core.accounts.rules import Kind
from market.openapi import Problem
from tests.inside import Inside

OPEN = re.compile(r"^/(log|docs)/|^/(docs|llms.txt|healthz|readyz|v1/accounts)$")
NO_KEY_OF_ITS_OWN = {"/v1/me/payee/link"}  # a link is made anew each time


def operations(page: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in page["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


@pytest.fixture
def page(inside: Inside) -> dict[str, Any]:
    found: dict[str, Any] = inside.client.get("/openapi.json").json()
    assert inside.client.get("/openapi.json").json() == found  # it is amended once
    return found


def test_it_says_where_a_bearer_key_is_sent(page: dict[str, Any]) -> None:
    assert page["components"]["securitySchemes"]["key"] == {"type": "http", "scheme": "bearer"}
    for method, path, operation in operations(page):
        expected: list[dict[str, list[str]]] | None = None if OPEN.match(path) else [{"key": []}]
        if path == "/v1/devices":
            expected = [{"key": []}, {}]
        assert operation.get("security") == expected, f"{method} {path}"
    assert '"authorization"' not in json.dumps(page).lower()


def test_an_idempotency_key_is_needed_by_posts_and_taken_by_nothing_else(page: dict[str, Any]) -> None:
    for method, path, operation in operations(page):
        needed = [p["name"] for p in operation.get("parameters", []) if p["in"] == "header" and p["required"]]
        posts = method == "post" and path not in NO_KEY_OF_ITS_OWN
        assert needed == (["Idempotency-Key"] if posts else []), f"{method} {path}"


def test_it_says_how_every_call_is_refused(inside: Inside, page: dict[str, Any]) -> None:
    text = json.dumps(page)
    assert "ValidationError" not in text
    for method, path, operation in operations(page):
        assert "422" not in operation["responses"], f"{method} {path}"
        [form] = operation["responses"]["default"]["content"]
        assert form == "application/problem+json"
    for answer in (
        inside.send("GET", "/v1/me"),
        inside.send("POST", "/v1/deposits", inside.key(Kind.AGENT), json={"amount": "-1"}),
        inside.send("POST", "/v1/accounts", once="", json={"name": "x"}),
    ):
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(Problem.model_validate(answer.json()).model_fields_set) == set(answer.json())


def test_every_reference_leads_somewhere(page: dict[str, Any]) -> None:
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(page))):
        place: Any = page
        for step in reference.split("/"):
            place = place[step]
        assert isinstance(place, dict)
