"""What every HTTP door shares: one transaction a request, who is calling, one effect a key.

A route takes `call: Annotated[Call, Depends(caller)]`. The session inside commits before the
answer is sent (`scope="function"`): an answer that says 201 is of something committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse
from limits import RateLimitItemPerMinute
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock, errors
from core.accounts import service
from core.accounts.rules import Scope
from core.accounts.tables import Account, ApiKey, RememberedCall
from core.db import Database, insert_once
from core.rates import Rates

Answer = TypeVar("Answer", bound=BaseModel)
MAX_KEY_LENGTH = 255
KEYS_PER_ADDRESS = 10  # how many keys' allowance one address may use up


def database(request: Request) -> Database:
    """The database the root opened."""
    found: Database = request.app.state.database
    return found


def session(request: Request) -> Iterator[Session]:
    """One transaction for one request. GET and HEAD only read."""
    opened = database(request)
    with opened.reading() if request.method in ("GET", "HEAD") else opened.transaction() as found:
        yield found


def limited(request: Request) -> None:
    """Refuses a caller over the house's rate limit: per key, per address without one.

    Raises:
        TooMany: with facts.retry_after in seconds.
    """
    item: RateLimitItemPerMinute = request.app.state.rate
    address = request.client.host if request.client else "unknown"
    secret = _secret(request.headers.get("authorization"))
    if secret is None:
        _count(request, item, "address", address)
        return
    # No bearer is known to be a key yet: made-up ones must not each bring a fresh allowance.
    _count(request, RateLimitItemPerMinute(item.amount * KEYS_PER_ADDRESS), "bearers", address)
    _count(request, item, "bearer", secret)


def _secret(authorization: str | None) -> str | None:
    """The secret in an Authorization header, however it is spelt; None when there is none.

    What is counted and what is looked up must be the same, or each spelling has an allowance of its own.
    """
    scheme, _, secret = (authorization or "").partition(" ")
    return secret.strip() or None if scheme.lower() == "bearer" else None


def _count(request: Request, item: RateLimitItemPerMinute, kind: str, value: str) -> None:
    rates: Rates = request.app.state.rates
    # Hashed: the store may be a Redis that others read, and a bearer is a secret.
    wait_s = rates.wait_s(item, service.request_hash(kind, value))
    if wait_s:
        raise errors.TooMany("too many requests", retry_after=wait_s)


@dataclass(frozen=True, slots=True)
class Door:
    """A request without a caller: for the few routes that need no key."""

    session: Session
    key: str | None
    request: Request

    def once(
        self, body: BaseModel, effect: Callable[[], Answer], status: int = 201, *, hide: str = ""
    ) -> JSONResponse:
        """As `Call.once`, scoped to the address: used to make accounts and devices."""
        address = self.request.client.host if self.request.client else "unknown"
        return _once(self.session, f"address:{address}", self.key, self.request, body, effect, status, hide)


@dataclass(frozen=True, slots=True)
class Call:
    """A request by a known caller.

    Attributes:
        session: the request's transaction.
        key: the Idempotency-Key, None on a GET.
    """

    session: Session
    caller: Account
    api_key: ApiKey
    key: str | None
    request: Request

    @property
    def account(self) -> str:
        """The caller's account id: the tenant of everything this request touches."""
        return self.caller.id

    def require(self, scope: Scope) -> None:
        """Raises Forbidden unless the key holds `scope`."""
        if scope.value not in self.api_key.scopes:
            raise errors.Forbidden("this key lacks a scope", scope=scope.value)

    def once(
        self, body: BaseModel | None, effect: Callable[[], Answer], status: int = 201, *, hide: str = ""
    ) -> JSONResponse:
        """Runs `effect` once per Idempotency-Key and answers a retry with the first answer.

        The key, the request's hash and the answer are stored in the transaction of the effect.

        Args:
            hide: dotted path of a field that is shown only the first time and never stored.

        Raises:
            IdempotencyKeyMissing: the header is absent or too long.
            IdempotencyConflict: the key came before with another request.
        """
        return _once(self.session, self.account, self.key, self.request, body, effect, status, hide)


IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", description="One value per logical call.")
]


def door(request: Request, opened: OpenSession, idempotency_key: IdempotencyKey = None) -> Door:
    """Dependency of routes that need no key."""
    return Door(opened, idempotency_key, request)


def caller(
    request: Request,
    opened: OpenSession,
    authorization: Annotated[str | None, Header()] = None,
    idempotency_key: IdempotencyKey = None,
) -> Call:
    """Dependency of routes that need a key.

    Raises:
        Unauthenticated: no bearer secret, or one that is unknown or revoked.
    """
    secret = _secret(authorization)
    if secret is None:
        raise errors.Unauthenticated("no key was sent")
    account, key = service.authenticate(opened, secret)
    return Call(opened, account, key, idempotency_key, request)


def who(opened: Database, authorization: str | None, scope: Scope, *, going: bool = False) -> str:
    """The caller's account id, for the few async routes that hold no transaction while they wait.

    Args:
        going: refuse a key that was stopped.

    Raises:
        Unauthenticated, Forbidden, SpendingStopped.
    """
    secret = _secret(authorization)
    if secret is None:
        raise errors.Unauthenticated("no key was sent")
    with opened.reading() as session:
        account, key = service.authenticate(session, secret)
        if scope.value not in key.scopes:
            raise errors.Forbidden("this key lacks a scope", scope=scope.value)
        if going and key.stopped_at is not None:
            raise errors.SpendingStopped("this key was stopped", stopped="key")
        return account.id


def caller_or_door(
    request: Request,
    opened: OpenSession,
    authorization: Annotated[str | None, Header()] = None,
    idempotency_key: IdempotencyKey = None,
) -> Call | Door:
    """Dependency of the one route that works with and without a key."""
    if authorization:
        return caller(request, opened, authorization, idempotency_key)
    return door(request, opened, idempotency_key)


def _once(
    session: Session,
    who: str,
    key: str | None,
    request: Request,
    body: BaseModel | None,
    effect: Callable[[], Answer],
    status: int,
    hide: str,
) -> JSONResponse:
    if not key or len(key) > MAX_KEY_LENGTH:
        raise errors.IdempotencyKeyMissing("a POST needs an Idempotency-Key of 1..255 characters")
    text = body.model_dump_json() if body is not None else ""
    asked = service.request_hash(request.method, request.url.path, text)
    # Claimed before the effect: of two requests at once with one key, the second waits here.
    row = {
        "caller": who,
        "key": key,
        "request_hash": asked,
        "status": status,
        "answer": {},
        "at": clock.now(),
    }
    if not insert_once(session, RememberedCall, row, ["caller", "key"]):
        return _again(session, who, key, asked)
    answer = effect().model_dump(mode="json")
    remembered = session.scalars(_remembered(who, key)).one()
    remembered.answer = _without(answer, hide)
    session.flush()
    return JSONResponse(answer, status_code=status)


def _again(session: Session, who: str, key: str, asked: str) -> JSONResponse:
    before = session.scalars(_remembered(who, key)).one()
    if before.request_hash != asked:
        raise errors.IdempotencyConflict("this Idempotency-Key was used for another request")
    return JSONResponse(before.answer, status_code=before.status, headers={"Idempotency-Replayed": "true"})


def _remembered(who: str, key: str) -> Any:
    return select(RememberedCall).where(RememberedCall.caller == who, RememberedCall.key == key)


def _without(answer: dict[str, Any], path: str) -> dict[str, Any]:
    """The answer with the field at dotted `path` blanked: a secret is never stored."""
    head, _, rest = path.partition(".")
    if not head or answer.get(head) is None:
        return answer
    value = _without(answer[head], rest) if rest else None
    return {**answer, head: value}


# Fewer open transactions than worker threads, always: else every thread could wait for SQLite's one
# write lock while the transaction that holds it waits for a thread.
OpenSession = Annotated[Session, Depends(session, scope="function", max_concurrency=20)]
Caller = Annotated[Call, Depends(caller, scope="function")]
AnyDoor = Annotated[Door, Depends(door, scope="function")]
MaybeCaller = Annotated[Call | Door, Depends(caller_or_door, scope="function")]
