"""HTTP doors of money: deposits, payouts, what became of them, and the caller's balances."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from core import clock
from core.accounts import service as accounts
from core.accounts import spending
from core.accounts.door import Caller
from core.accounts.rules import Scope
from core.accounts.schemas import AccountShape, DeviceShape, KeyState
from payments import service
from payments.schemas import BalancesShape, Me, Move, OperationShape

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
