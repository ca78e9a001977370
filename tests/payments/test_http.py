"""The money doors over HTTP: scopes, idempotency, tenants, amounts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

from core import errors
from core.accounts import spending
from core.accounts.rules import Kind, Scope
from core.accounts.service import authenticate, issue_key, open_account
from core.config import Settings
from core.db import Database
from payments import outbox, routes
from payments.rails.sandbox import SandboxRail
from tests.payments.traders import NOW


@dataclass
class Desk:
    """The money routes on a real application, and a caller."""

    client: TestClient
    database: Database
    secret: str

    def call(
        self, method: str, path: str, body: object = None, *, once: str = "", secret: str = ""
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {secret or self.secret}"} | (
            {"Idempotency-Key": once} if once else {}
        )
        return self.client.request(method, path, json=body, headers=headers)

    def run(self, operation: str) -> None:
        outbox.run_operation(self.database, {"sandbox": SandboxRail(self.database)}, operation)


def key(database: Database, *scopes: Scope) -> str:
    with database.transaction() as session:
        account = open_account(session, Kind.AGENT, "agent", now=NOW)
        return issue_key(session, account, now=NOW, scopes=scopes or None).secret


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    app = FastAPI()
    app.state.database, app.state.settings, app.state.stripe = database, Settings(), None
    app.include_router(routes.router)

    @app.exception_handler(errors.SpotcheckError)
    def problem(_request: Request, error: errors.SpotcheckError) -> JSONResponse:
        return JSONResponse(error.problem("req_test"), status_code=error.status)

    with TestClient(app) as client:
        yield Desk(client, database, key(database))


def test_a_deposit_becomes_a_balance(desk: Desk) -> None:
    made = desk.call("POST", "/v1/deposits", {"amount": "25.00"}, once="a")
    assert (made.status_code, made.json()["status"], made.json()["amount"]) == (202, "new", "25.00")
    assert desk.call("GET", "/v1/me").json()["balances"]["available"] == "0.00"
    desk.run(made.json()["id"])
    assert desk.call("GET", f"/v1/operations/{made.json()['id']}").json()["status"] == "done"
    assert desk.call("GET", "/v1/me").json()["balances"] == {
        "available": "25.00", "held": "0.00", "pending": "0.00", "payable": "0.00", "in_payout": "0.00",
    }  # fmt: skip


def test_a_retry_orders_nothing_new_and_another_body_is_a_conflict(desk: Desk) -> None:
    first = desk.call("POST", "/v1/deposits", {"amount": "25.00"}, once="a")
    again = desk.call("POST", "/v1/deposits", {"amount": "25.00"}, once="a")
    assert again.json() == first.json()
    assert (
        desk.call("POST", "/v1/deposits", {"amount": "26.00"}, once="a").json()["code"]
        == "IdempotencyConflict"
    )
    assert desk.call("POST", "/v1/deposits", {"amount": "25.00"}).json()["code"] == "IdempotencyKeyMissing"


def test_a_payout_of_nothing_earned_is_refused_and_leaves_no_trace(desk: Desk) -> None:
    refused = desk.call("POST", "/v1/payouts", {"amount": "1.00"}, once="a")
    assert (refused.status_code, refused.json()["code"]) == (402, "InsufficientFunds")
    assert refused.json()["facts"] == {"short": "1.00"}
    with desk.database.reading() as session:
        assert outbox.due_operations(session, NOW.replace(year=2100)) == []


@pytest.mark.parametrize(
    "amount", ["0", "0.009", "-1.00", "1e3", "1.0000001", "NaN", 5, 5.0, None, "1000000.01", "99999999999"]
)
def test_amounts_that_are_none_are_refused(desk: Desk, amount: object) -> None:
    for path in ("/v1/deposits", "/v1/payouts"):
        assert desk.call("POST", path, {"amount": amount}, once="a").status_code in (400, 422)


def test_unknown_fields_are_refused(desk: Desk) -> None:
    body = {"amount": "1.00", "currency": "EUR"}
    assert desk.call("POST", "/v1/deposits", body, once="a").status_code == 422


def test_money_needs_its_scope_and_operations_their_owner(desk: Desk) -> None:
    poor, other = key(desk.database, Scope.READ), key(desk.database)
    for path in ("/v1/deposits", "/v1/payouts"):
        assert desk.call("POST", path, {"amount": "1.00"}, once="a", secret=poor).status_code == 403
    made = desk.call("POST", "/v1/deposits", {"amount": "1.00"}, once="a").json()
    assert desk.call("GET", f"/v1/operations/{made['id']}", secret=other).status_code == 404
    assert desk.call("GET", "/v1/operations/ops_none").status_code == 404
    assert desk.call("GET", "/v1/me", secret="sk_none").status_code == 401


MOVES: list[tuple[str, str, dict[str, str]]] = [
    ("POST", "/v1/deposits", {"amount": "5.00"}),
    ("POST", "/v1/deposits/{deposit}/refunds", {"amount": "1.00"}),
    ("POST", "/v1/payouts", {"amount": "1.00"}),
    ("PUT", "/v1/me/top-up", {"below": "5.00", "amount": "20.00", "daily_cap": "100.00"}),
]


def second_key(desk: Desk) -> str:
    """Another key of the caller's account, with all its scopes; its secret."""
    with desk.database.transaction() as session:
        account, _ = authenticate(session, desk.secret)
        return issue_key(session, account, now=NOW).secret


def stop(desk: Desk, secret: str) -> None:
    with desk.database.transaction() as session:
        _, by = authenticate(session, desk.secret)
        spending.stop_key(session, by, authenticate(session, secret)[1].id, now=NOW)


@pytest.mark.parametrize(("method", "path", "body"), MOVES)
def test_a_stopped_key_moves_no_money(desk: Desk, method: str, path: str, body: dict[str, str]) -> None:
    deposit = desk.call("POST", "/v1/deposits", {"amount": "25.00"}, once="a").json()["id"]
    desk.run(deposit)
    leaked = second_key(desk)
    stop(desk, leaked)
    refused = desk.call(method, path.format(deposit=deposit), body, once="b", secret=leaked)
    assert (refused.status_code, refused.json()["code"]) == (403, "SpendingStopped")
    allowed = desk.call(method, path.format(deposit=deposit), body, once="b")
    assert allowed.json().get("code") != "SpendingStopped", "the account's other key goes on"


class Registrar:
    """A rail of which only the page for payees is asked."""

    def payee_link(self, account: str) -> str:
        return f"https://connect.example/{account}"


def test_only_a_key_that_moves_money_says_which_bank_is_paid(desk: Desk) -> None:
    desk.client.app.state.stripe = Registrar()  # type: ignore[attr-defined]
    with desk.database.transaction() as session:
        lab = open_account(session, Kind.LAB, "lab", now=NOW)
        phone = issue_key(session, open_account(session, Kind.PERSON, "person", now=NOW), now=NOW).secret
        small = issue_key(session, lab, now=NOW, scopes=[Scope.CONTRIBUTE, Scope.POST, Scope.READ]).secret
    refused = desk.call("POST", "/v1/me/payee/link", secret=small)
    assert (refused.status_code, refused.json()["code"]) == (403, "Forbidden")
    assert desk.call("POST", "/v1/me/payee/link", secret=phone).status_code == 200, "as enrolled"
    leaked = second_key(desk)
    assert desk.call("POST", "/v1/me/payee/link", secret=leaked).status_code == 200
    stop(desk, leaked)
    refused = desk.call("POST", "/v1/me/payee/link", secret=leaked)
    assert (refused.status_code, refused.json()["code"]) == (403, "SpendingStopped")
