"""Every route of the OpenAPI page, called with a key that may do nothing there: the scope is what says no."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.accounts.rules import Kind
from core.ids import new_id
from tests.every.test_tenants import BODIES
from tests.inside import Inside

OPEN = {"POST /v1/accounts", "POST /v1/devices"}  # they make the first key
# They compare scopes and limits, not one scope.
OWN_KEYS = {
    "POST /v1/keys",
    "DELETE /v1/keys/{key_id}",
    "POST /v1/keys/{key_id}/stop",
    "POST /v1/keys/{key_id}/start",
}
PREFIX = {
    "bounty_id": "bty",
    "claim_id": "clm",
    "capture_id": "cap",
    "observation_id": "obs",
    "operation_id": "ops",
    "account_id": "acc",
    "approval_id": "apr",
    "device_id": "dev",
}
QUERY = {"/v1/bounties/near": "?lat=1&lon=1", "/v1/bounties/{bounty_id}/wait": "?timeout=0"}


def test_no_route_is_open_to_a_key_without_its_scope(blank_sqlite: Path, tmp_path: Path) -> None:
    (tmp_path / "house.db").write_bytes(blank_sqlite.read_bytes())
    inside = Inside(f"sqlite:///{tmp_path / 'house.db'}", tmp_path)
    key = inside.key(Kind.OPERATOR, scopes=[])
    tried = 0
    for path, methods in inside.app.openapi()["paths"].items():
        for method in methods:
            name = f"{method.upper()} {path}"
            if not path.startswith("/v1/") or name in OPEN | OWN_KEYS:
                continue
            filled = path.replace("{sha256}", "0" * 64)
            for field, prefix in PREFIX.items():
                filled = filled.replace("{" + field + "}", new_id(prefix))
            answer = inside.send(method.upper(), filled + QUERY.get(path, ""), key, **BODIES.get(name, {}))
            # 400 is a body this test did not bother to make; 404 would be a scope nobody asked for.
            assert answer.status_code in ((400, 403) if method == "post" else (403,)), (name, answer.text)
            tried += 1
    inside.close()
    assert tried > 20


@pytest.mark.parametrize("scopes", [[], ["post", "contribute"]])
def test_a_key_cannot_be_made_without_scopes_or_beyond_its_makers(
    blank_sqlite: Path, tmp_path: Path, scopes: list[str]
) -> None:
    (tmp_path / "house.db").write_bytes(blank_sqlite.read_bytes())
    inside = Inside(f"sqlite:///{tmp_path / 'house.db'}", tmp_path)
    answer = inside.send("POST", "/v1/keys", inside.key(Kind.AGENT), json={"scopes": scopes})
    inside.close()
    assert answer.status_code in (400, 403)
