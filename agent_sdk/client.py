"""The two clients: `Spotcheck` blocks, `AsyncSpotcheck` awaits; everything else is the same.

    with Spotcheck.from_env() as client:                      # SPOTCHECK_API_KEY, SPOTCHECK_BASE_URL
        print(client.balance().available)
        bounty = client.bounties.post(
            "Is the shop open?", lat=52.37, lon=4.9, answer_schema={"type": "boolean"}, reward="0.50"
        )
        print(bounty.wait(timeout=3600).first)

    async with AsyncSpotcheck.from_env() as client:
        bounty = await client.bounties.post(
            "Is the shop open?", lat=52.37, lon=4.9, answer_schema={"type": "boolean"}, reward="0.50"
        )
        print((await bounty.wait(timeout=3600)).first)

Retries: a call that met no reply, 408, 429 or 5xx is repeated (twice by default) with the same
Idempotency-Key, after what Retry-After says or a doubling pause; `x-should-retry` from the server wins.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import anyio
import httpx2
from pydantic import JsonValue

from agent_sdk._core import Core, Flow
from agent_sdk._doors import (
    AsyncDriver,
    AsyncResource,
    Listing,
    Resource,
    SyncDriver,
    SyncResource,
    op,
    pages,
)
from agent_sdk._pins import FileMemory
from agent_sdk.errors import BadInput
from agent_sdk.resources.accounts import AsyncDeposits, AsyncKeys, Deposits, Keys
from agent_sdk.resources.approvals import Approvals, AsyncApprovals
from agent_sdk.resources.bounties import AsyncBounties, Bounties
from agent_sdk.resources.devices import AsyncDevices, Devices
from agent_sdk.resources.observations import AsyncObservations, Observations
from agent_sdk.resources.receipts import AsyncReceipts, Receipts, Trust
from agent_sdk.types import Account, Balances, Me, Page, Registration, StatementLine, shown, timestamp

DEFAULT_BASE_URL = "http://127.0.0.1:8000"  # one machine, `python -m market serve`
_SyncSelf = TypeVar("_SyncSelf", bound="Spotcheck")
_AsyncSelf = TypeVar("_AsyncSelf", bound="AsyncSpotcheck")


class _Client(Resource):
    """What both clients share."""

    @op
    def me(self) -> Flow[Me]:
        """The account this key belongs to, its money and devices; the key's limits and what it has spent."""
        return self._core.call(Me, "GET", "/v1/me")

    @op
    def balance(self) -> Flow[Balances]:
        """The account's money."""
        return (yield from self._core.call(Me, "GET", "/v1/me")).balances

    @pages
    def statement(
        self, *, start: datetime | None = None, end: datetime | None = None, page_size: int = 1000
    ) -> Listing[StatementLine]:
        """Every entry of the account's books from `start` to before `end`, oldest first.

        Both are at least a minute ago, and may be left out: from the beginning, until now. The window is
        fixed when the first page comes; further pages are fetched as you go. Within one
        `line.account` each line's `balance` is the one before plus its `amount`.
        """

        def page(after: str | None) -> Flow[Page[StatementLine]]:
            params = {"limit": str(page_size)}
            if start is not None:
                params["from"] = timestamp(start)
            if end is not None:
                params["to"] = timestamp(end)
            if after is not None:
                params["after"] = after
            return self._core.call(Page[StatementLine], "GET", "/v1/me/statement", params=params)

        return page

    @op
    def stop_spending(self, *, idempotency_key: str | None = None) -> Flow[Account]:
        """Stops all spending of the account at once, whichever its key. Any key that may post may do this."""
        return self._core.call(Account, "POST", "/v1/me/spending/stop", key=idempotency_key)

    @op
    def start_spending(self, *, idempotency_key: str | None = None) -> Flow[Account]:
        """Lets the account spend again. Raises Forbidden for a key that has limits."""
        return self._core.call(Account, "POST", "/v1/me/spending/start", key=idempotency_key)

    @op
    def close_account(self, *, idempotency_key: str | None = None) -> Flow[Account]:
        """Closes the account for good and ends all its keys. Raises StateConflict while anything is left."""
        return self._core.call(Account, "POST", "/v1/me/close", key=idempotency_key)

    @property
    def api_key(self) -> str | None:
        """The key in use; after `register`, the one to keep."""
        return self._core.api_key

    @property
    def base_url(self) -> str:
        """The server in use."""
        return self._core.base_url

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._core.base_url!r})"


class Spotcheck(_Client, SyncResource):
    """The blocking client. Safe to share between threads; close it, or use it in a `with`.

    Args:
        api_key: an `sk_...` key; None only to `register`.
        base_url: the server.
        retries: how often one call is repeated at most.
        timeout: seconds to wait for a connection, and for each piece of a reply or a request, not for all
            of it (long polls add their own wait).
        log_key: the transparency log's vkey line, to verify receipts by.
        pin_on_first_use: take and keep the server's own log key when `log_key` is not given.
        state_dir: where checkpoints are remembered; default ~/.local/state/spotcheck.
        transport: another httpx2 transport, such as `httpx2.MockTransport`; `httpx2.ASGITransport` is for
            `AsyncSpotcheck` only.
        core, sleep: for tests: another clock, another way to sleep.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str = DEFAULT_BASE_URL,
        retries: int = 2,
        timeout: float = 30.0,
        log_key: str | None = None,
        pin_on_first_use: bool = False,
        state_dir: Path | str | None = None,
        transport: httpx2.BaseTransport | None = None,
        core: Core | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        driver = SyncDriver(httpx2.Client(transport=transport), sleep)
        super().__init__(core or _core(api_key, base_url, retries, timeout), driver)
        self.bounties = Bounties(self._core, driver)
        self.observations = Observations(self._core, driver)
        self.receipts = Receipts(self._core, driver, _trust(log_key, pin_on_first_use, state_dir))
        self.deposits = Deposits(self._core, driver)
        self.keys = Keys(self._core, driver)
        self.approvals = Approvals(self._core, driver)
        self.devices = Devices(self._core, driver)

    @classmethod
    def from_env(cls: type[_SyncSelf]) -> _SyncSelf:
        """From SPOTCHECK_API_KEY, and if set SPOTCHECK_BASE_URL and SPOTCHECK_LOG_KEY. Raises BadInput."""
        api_key, base_url, log_key = _environment()
        return cls(api_key, base_url=base_url, log_key=log_key)

    @classmethod
    def register(
        cls: type[_SyncSelf],
        name: str,
        base_url: str = DEFAULT_BASE_URL,
        *,
        kind: str = "agent",
        transport: httpx2.BaseTransport | None = None,
        idempotency_key: str | None = None,
    ) -> _SyncSelf:
        """Makes an account ("agent" or "lab") and returns a client for it; keep its `api_key`.

        Raises:
            KeyNotShown: the key was in a reply that was lost. Register again; nobody holds that account.
        """
        with cls(base_url=base_url, transport=transport) as nobody:
            made = nobody._drive(_register(nobody._core, name, kind, idempotency_key))
        return cls(made, base_url=base_url, transport=transport)

    def close(self) -> None:
        """Closes the connections."""
        self._driver.http.close()

    def __enter__(self: _SyncSelf) -> _SyncSelf:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncSpotcheck(_Client, AsyncResource):
    """The awaiting client, for asyncio or trio; the arguments are those of `Spotcheck`."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str = DEFAULT_BASE_URL,
        retries: int = 2,
        timeout: float = 30.0,
        log_key: str | None = None,
        pin_on_first_use: bool = False,
        state_dir: Path | str | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        core: Core | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        driver = AsyncDriver(httpx2.AsyncClient(transport=transport), sleep)
        super().__init__(core or _core(api_key, base_url, retries, timeout), driver)
        self.bounties = AsyncBounties(self._core, driver)
        self.observations = AsyncObservations(self._core, driver)
        self.receipts = AsyncReceipts(self._core, driver, _trust(log_key, pin_on_first_use, state_dir))
        self.deposits = AsyncDeposits(self._core, driver)
        self.keys = AsyncKeys(self._core, driver)
        self.approvals = AsyncApprovals(self._core, driver)
        self.devices = AsyncDevices(self._core, driver)

    @classmethod
    def from_env(cls: type[_AsyncSelf]) -> _AsyncSelf:
        """As `Spotcheck.from_env`."""
        api_key, base_url, log_key = _environment()
        return cls(api_key, base_url=base_url, log_key=log_key)

    @classmethod
    async def register(
        cls: type[_AsyncSelf],
        name: str,
        base_url: str = DEFAULT_BASE_URL,
        *,
        kind: str = "agent",
        transport: httpx2.AsyncBaseTransport | None = None,
        idempotency_key: str | None = None,
    ) -> _AsyncSelf:
        """As `Spotcheck.register`."""
        async with cls(base_url=base_url, transport=transport) as nobody:
            made = await nobody._drive(_register(nobody._core, name, kind, idempotency_key))
        return cls(made, base_url=base_url, transport=transport)

    async def close(self) -> None:
        """Closes the connections."""
        await self._driver.http.aclose()

    async def __aenter__(self: _AsyncSelf) -> _AsyncSelf:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _core(api_key: str | None, base_url: str, retries: int, timeout: float) -> Core:
    return Core(base_url.rstrip("/"), api_key, retries, timeout)


def _trust(log_key: str | None, pin_on_first_use: bool, state_dir: Path | str | None) -> Trust:
    return Trust(log_key, pin_on_first_use, FileMemory(Path(state_dir) if state_dir is not None else None))


def _environment() -> tuple[str, str, str | None]:
    api_key = os.environ.get("SPOTCHECK_API_KEY")
    if not api_key:
        raise BadInput(
            "SPOTCHECK_API_KEY is not set", hint="Make a key: Spotcheck.register(name, base_url).api_key"
        )
    base_url = os.environ.get("SPOTCHECK_BASE_URL") or DEFAULT_BASE_URL
    return api_key, base_url, os.environ.get("SPOTCHECK_LOG_KEY") or None


def _register(core: Core, name: str, kind: str, key: str | None) -> Flow[str]:
    """The new account's key."""
    body: dict[str, JsonValue] = {"name": name, "kind": kind}
    made = yield from core.call(Registration, "POST", "/v1/accounts", body=body, key=key)
    return shown(made.key, "Register again under a new idempotency_key; the unused account holds nothing.")
