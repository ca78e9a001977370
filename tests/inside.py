"""The real application inside the test's own process: no socket, no worker, every route."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI
from sqlalchemy import inspect, text
from starlette.testclient import TestClient

from core import clock
from core.accounts import service
from core.accounts.rules import Kind, Limits, Scope
from core.accounts.tables import Account
from core.config import Settings
from core.db import Database
from core.money import Money
from market.app import create_app
from payments import ledger
from payments.rules import Leg, asset, available


@dataclass
class Inside:
    """An application over a migrated database.

    Attributes:
        url: the database's URL; its tables are there already.
        home: a folder for blobs, keys and queued messages.
        rate_limit: requests a minute for one caller.
    """

    url: str
    home: Path
    rate_limit: int = 1_000_000
    app: FastAPI = field(init=False)
    client: TestClient = field(init=False)

    def __post_init__(self) -> None:
        settings = Settings(home=self.home, database_url=self.url, rate_limit=self.rate_limit)
        self.app = create_app(settings)
        self.client = self.new_client()
        self.client.__enter__()  # one event loop for all its requests, until close()

    @property
    def database(self) -> Database:
        """The application's own database."""
        found: Database = self.app.state.database
        return found

    def new_client(self) -> TestClient:
        """A client of its own: one for each thread."""
        return TestClient(self.app, raise_server_exceptions=False)

    def key(self, kind: Kind, *, scopes: list[Scope] | None = None, limits: Limits = Limits()) -> str:
        """The secret of a new account's key; an agent's account has $100."""
        now = clock.now()
        with self.database.transaction() as session:
            account = service.open_account(session, kind, f"test {kind.value}", now=now)
            issued = service.issue_key(session, account, now=now, scopes=scopes, limits=limits)
            if kind is Kind.AGENT:
                leg = Leg(asset("sandbox"), available(account.id), Money.parse("100"))
                ledger.post(session, f"test:{account.id}", [leg], now=now)
        return issued.secret

    def key_of(self, account: str) -> str:
        """The secret of a key of an account that is there."""
        with self.database.transaction() as session:
            owner = session.get_one(Account, account)
            return service.issue_key(session, owner, now=clock.now()).secret

    def send(
        self,
        method: str,
        path: str,
        key: str | None = None,
        *,
        once: str | None = None,
        headers: dict[str, str] | None = None,
        **content: Any,
    ) -> httpx2.Response:
        """Sends one request; a POST has a fresh Idempotency-Key unless `once` names one ("" for none)."""
        sent = {} if key is None else {"Authorization": f"Bearer {key}"}
        if method == "POST" and once != "":
            sent["Idempotency-Key"] = once or os.urandom(8).hex()
        answer: httpx2.Response = self.client.request(
            method, path, headers={**sent, **(headers or {})}, **content
        )
        return answer

    def counts(self) -> dict[str, int]:
        """How many rows each table holds."""
        tables = inspect(self.database.engine).get_table_names()
        with self.database.reading() as session:
            return {t: session.scalar(text(f"SELECT count(*) FROM {t}")) or 0 for t in tables}

    def close(self) -> None:
        """Ends the application and closes its database's connections."""
        self.client.__exit__(None, None, None)
        self.database.dispose()


def is_problem(answer: httpx2.Response) -> bool:
    """Whether an answer is problem JSON with everything RFC 9457 and this house ask of one."""
    if answer.headers.get("content-type", "").split(";")[0] != "application/problem+json":
        return False
    body = answer.json()
    named = all(isinstance(body[k], str) and body[k] for k in ("type", "title", "detail", "code", "hint"))
    return named and body["status"] == answer.status_code and body["request_id"].startswith("req_")
