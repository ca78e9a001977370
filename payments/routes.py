"""HTTP doors of money: deposits, payouts, what became of them, the caller's balances and statement."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse

from core import clock, errors
from core.accounts import service as accounts
from core.accounts import spending
from core.accounts.door import Caller, database, who
from core.accounts.rules import Scope
from core.accounts.schemas import AccountShape, DeviceShape, KeyState
from core.db import Database
from core.wire import Instant
from payments import inbox, refunds, service, statement_csv, statements, topups
from payments.rails.stripe_events import Event, open_event
from payments.schemas import (
    BalancesShape,
    ClassBalances,
    Deposit,
    LineShape,
    LinkShape,
    Me,
    Move,
    OperationShape,
    PayeeShape,
    ReceivedShape,
    StatementShape,
    TopUp,
    TopUpShape,
)

CSV = "text/csv"
PAGE = 100
CURSOR = r"^[0-9]{1,15}(\.[0-9]{1,15}){7}$"

router = APIRouter(prefix="/v1", tags=["money"])


@router.get("/me", response_model=Me)
def me(call: Caller) -> Me:
    """Who the caller is, everything it has, and what this key may spend and has spent."""
    call.require(Scope.READ)
    return Me(
        account=AccountShape.of(call.caller),
        balances=BalancesShape.of(service.balances(call.session, call.account)),
        key=KeyState.of(call.api_key, spending.spent(call.session, call.api_key, now=clock.now())),
        devices=[DeviceShape.of(device) for device in accounts.devices_of(call.session, call.account)],
    )


@router.get(
    "/me/statement",
    response_model=StatementShape,
    responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}},
)
def statement(
    call: Caller,
    request: Request,
    start: Annotated[
        Instant | None, Query(alias="from", description="At least a minute ago; default: the beginning.")
    ] = None,
    end: Annotated[
        Instant | None,
        Query(alias="to", description="The instant after, at least a minute ago; default: all until now."),
    ] = None,
    after: Annotated[str | None, Query(pattern=CURSOR, description="`next` of the page before.")] = None,
    limit: Annotated[int | None, Query(ge=1, le=1000, description="Lines a page; default: 100.")] = None,
    form: Annotated[
        Literal["json", "csv"] | None, Query(alias="format", description="Default: by Accept.")
    ] = None,
    accept: Annotated[str, Header()] = "",
) -> StatementShape | Response:
    """Every entry of the caller's own ledger accounts, oldest first: a page as JSON, or all of it as CSV."""
    call.require(Scope.READ)
    statements.require_settled(start, end, now=clock.now())
    covered = statements.window(call.session, call.account, start, end)
    if form == "json" or (form is None and not _prefers_csv(accept)):
        return _page(call, covered, after, limit or PAGE)
    if after is not None or limit is not None:
        raise errors.BadInput("a CSV statement comes whole", hint="Send neither after nor limit.")
    return StreamingResponse(
        statement_csv.rows(database(request), covered, start, end),
        media_type=CSV,
        headers={"Content-Disposition": 'attachment; filename="statement.csv"'},
    )


def _page(call: Caller, covered: statements.Window, after: str | None, limit: int) -> StatementShape:
    place = covered.opened
    if after is not None:
        covered, place = statements.resumed(call.session, covered, after)
    found, behind = statements.lines(call.session, covered, place, limit)
    opening, closing = (
        statements.balances(call.session, call.account, place) for place in (covered.opened, covered.closed)
    )
    return StatementShape(
        opening=ClassBalances(**opening),
        closing=ClassBalances(**closing),
        items=[LineShape.of(line) for line in found],
        next=statements.cursor_of(behind, covered) if behind != covered.closed else None,
    )


def _prefers_csv(accept: str) -> bool:
    """Whether CSV is the first thing named there that this house can send."""
    for part in accept.lower().split(","):
        media = part.partition(";")[0].strip()
        if media in {CSV, "application/json", "application/*", "*/*"}:
            return media == CSV
    return False


@router.post("/deposits", status_code=202, response_model=OperationShape)
def deposit(body: Deposit, call: Caller, request: Request) -> JSONResponse:
    """Orders a deposit. The balance grows when the operation is `done`; one that is `waiting` has a `url`
    where its payer goes on."""
    call.require(Scope.MONEY)
    rail = request.app.state.settings.rail

    def effect() -> OperationShape:
        spending.require_live(call.session, call.api_key)
        made = service.request_deposit(
            call.session, call.account, body.amount, rail=rail, method=body.method, now=clock.now()
        )
        return OperationShape.of(made)

    return call.once(body, effect, 202)


@router.post("/deposits/{operation_id}/refunds", status_code=202, response_model=OperationShape)
def refund(operation_id: str, body: Move, call: Caller) -> JSONResponse:
    """Sends what is unspent of a deposit back the way it came."""
    call.require(Scope.MONEY)

    def effect() -> OperationShape:
        spending.require_live(call.session, call.api_key)
        made = refunds.request_refund(call.session, call.account, operation_id, body.amount, now=clock.now())
        return OperationShape.of(made)

    return call.once(body, effect, 202)


@router.put("/me/top-up", response_model=TopUpShape)
def set_top_up(body: TopUp, call: Caller, request: Request) -> TopUpShape:
    """Keeps the balance filled from the saved means of payment."""
    call.require(Scope.MONEY)
    spending.require_live(call.session, call.api_key)
    rail = request.app.state.settings.rail
    made = topups.set_rule(
        call.session,
        call.account,
        rail=rail,
        below=body.below,
        amount=body.amount,
        daily_cap=body.daily_cap,
        now=clock.now(),
    )
    return TopUpShape.of(made)


@router.get("/me/top-up", response_model=TopUpShape)
def read_top_up(call: Caller) -> TopUpShape:
    """The automatic top-up in force."""
    call.require(Scope.READ)
    return TopUpShape.of(topups.rule_of(call.session, call.account))


@router.delete("/me/top-up", status_code=204)
def end_top_up(call: Caller) -> Response:
    """No more automatic top-ups."""
    call.require(Scope.MONEY)
    topups.end_rule(call.session, call.account)
    return Response(status_code=204)


@router.get("/me/payee", response_model=PayeeShape)
def payee(call: Caller, request: Request) -> PayeeShape:
    """Whether the caller can be paid out, and what is missing."""
    call.require(Scope.READ)
    return PayeeShape.of(service.payee(call.session, call.account, request.app.state.settings.rail))


@router.post("/me/payee/link", response_model=LinkShape)
async def payee_link(request: Request, authorization: Annotated[str | None, Header()] = None) -> LinkShape:
    """A page where the caller tells the provider who it is. A new one at each call: it holds no money, so
    it needs no Idempotency-Key."""
    opened: Database = request.app.state.database
    # Whoever goes there names the bank that is paid: no less than the scope of a payout.
    account = await run_in_threadpool(who, opened, authorization, Scope.MONEY, going=True)
    rail = request.app.state.stripe
    if rail is None:
        raise errors.StateConflict("payouts here need no registration", hint="POST /v1/payouts.")
    # Outside any transaction: the provider is asked over the network.
    return LinkShape(url=await run_in_threadpool(rail.payee_link, account))


@router.post("/webhooks/stripe", response_model=ReceivedShape, include_in_schema=False)
async def stripe_webhook(request: Request, stripe_signature: Annotated[str, Header()] = "") -> ReceivedShape:
    """Takes in an event of Stripe's. It is acted on later, from what Stripe says then."""
    secret = request.app.state.settings.stripe_webhook_secret.get_secret_value()
    if not secret:
        raise errors.NotFound("no such endpoint")
    body = await request.body()  # at most what the envelope lets through
    now = clock.now()
    event = open_event(body, stripe_signature, secret, now=now)
    return await run_in_threadpool(_receive, request.app.state.database, event, now)


def _receive(opened: Database, event: Event, now: datetime) -> ReceivedShape:
    with opened.transaction() as session:
        first = inbox.receive(session, "stripe", event.id, event.kind, event.payload, now=now)
    return ReceivedShape(first=first)


@router.post("/payouts", status_code=202, response_model=OperationShape)
def payout(body: Move, call: Caller, request: Request) -> JSONResponse:
    """Orders a payout of payable money; it is set aside at once and comes back if the rail refuses."""
    call.require(Scope.MONEY)

    def effect() -> OperationShape:
        spending.require_live(call.session, call.api_key)
        rail = request.app.state.settings.rail
        made = service.request_payout(call.session, call.account, body.amount, rail=rail, now=clock.now())
        return OperationShape.of(made)

    return call.once(body, effect, 202)


@router.get("/operations/{operation_id}", response_model=OperationShape)
def read_operation(operation_id: str, call: Caller) -> OperationShape:
    """One of the caller's own deposits or payouts."""
    call.require(Scope.READ)
    return OperationShape.of(service.operation(call.session, call.account, operation_id))
