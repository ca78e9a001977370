"""HTTP doors of money: deposits, payouts, what became of them, the caller's balances and statement."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from core import clock, errors
from core.accounts import service as accounts
from core.accounts.door import Caller, database
from core.accounts.rules import Scope
from core.accounts.schemas import AccountShape, DeviceShape
from payments import service, statement_csv, statements
from payments.schemas import (
    BalancesShape,
    ClassBalances,
    LineShape,
    Me,
    Move,
    OperationShape,
    StatementShape,
    Time,
)

CSV = "text/csv"
PAGE = 100
CURSOR = r"^[0-9]{1,15}(\.[0-9]{1,15}){7}$"

router = APIRouter(prefix="/v1", tags=["money"])


@router.get("/me", response_model=Me)
def me(call: Caller) -> Me:
    """Who the caller is, and everything it has."""
    call.require(Scope.READ)
    return Me(
        account=AccountShape.of(call.caller),
        balances=BalancesShape.of(service.balances(call.session, call.account)),
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
    start: Annotated[Time | None, Query(alias="from", description="Default: the beginning.")] = None,
    end: Annotated[Time | None, Query(alias="to", description="The instant after; default: now.")] = None,
    after: Annotated[str | None, Query(pattern=CURSOR, description="`next` of the page before.")] = None,
    limit: Annotated[int | None, Query(ge=1, le=1000, description="Lines a page; default: 100.")] = None,
    form: Annotated[
        Literal["json", "csv"] | None, Query(alias="format", description="Default: by Accept.")
    ] = None,
    accept: Annotated[str, Header()] = "",
) -> StatementShape | Response:
    """Every entry of the caller's own ledger accounts, oldest first: a page as JSON, or all of it as CSV."""
    call.require(Scope.READ)
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
def deposit(body: Move, call: Caller) -> JSONResponse:
    """Orders a deposit. The balance grows when the operation is `done`."""
    call.require(Scope.MONEY)

    def effect() -> OperationShape:
        made = service.request_deposit(call.session, call.account, body.amount, now=clock.now())
        return OperationShape.of(made)

    return call.once(body, effect, 202)


@router.post("/payouts", status_code=202, response_model=OperationShape)
def payout(body: Move, call: Caller) -> JSONResponse:
    """Orders a payout of payable money; it is set aside at once and comes back if the rail refuses."""
    call.require(Scope.MONEY)

    def effect() -> OperationShape:
        made = service.request_payout(call.session, call.account, body.amount, now=clock.now())
        return OperationShape.of(made)

    return call.once(body, effect, 202)


@router.get("/operations/{operation_id}", response_model=OperationShape)
def read_operation(operation_id: str, call: Caller) -> OperationShape:
    """One of the caller's own deposits or payouts."""
    call.require(Scope.READ)
    return OperationShape.of(service.operation(call.session, call.account, operation_id))
