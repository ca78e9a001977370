"""HTTP doors of accounts, keys and devices."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from core import clock, errors
from core.accounts import rules, service, spending
from core.accounts.door import AnyDoor, Call, Caller, MaybeCaller
from core.accounts.rules import Kind, Limits, Scope
from core.accounts.schemas import (
    AccountShape,
    DeviceShape,
    Enrol,
    Enrolled,
    FreezeAccount,
    Keys,
    KeyShape,
    KeyState,
    MakeKey,
    OpenAccount,
    Opened,
    StandingShape,
)
from core.accounts.tables import Account, ApiKey, Device
from core.geo import Spot

router = APIRouter(prefix="/v1", tags=["accounts"])

AccountId = Annotated[str, Path(pattern=r"^acc_[0-9a-z]{26}$")]
DeviceId = Annotated[str, Path(pattern=r"^dev_[0-9a-z]{26}$")]
KeyId = Annotated[str, Path(pattern=r"^key_[0-9a-z]{26}$")]


@router.post("/accounts", status_code=201, response_model=Opened)
def open_account(body: OpenAccount, door: AnyDoor) -> JSONResponse:
    """Makes an agent's or a lab's account. The key's secret is shown in this answer only."""

    def effect() -> Opened:
        now = clock.now()
        account = service.open_account(door.session, Kind(body.kind), body.name, now=now)
        issued = service.issue_key(door.session, account, now=now)
        return Opened(account=AccountShape.of(account), key=KeyShape.of(issued))

    return door.once(body, effect, hide="key.secret")


@router.post("/devices", status_code=201, response_model=Enrolled)
def enrol(body: Enrol, door: MaybeCaller) -> JSONResponse:
    """Enrols a device. Without a key it makes a person's account whose only identity is the device;
    with one (a lab's instrument, a second phone) the device joins the caller's account."""

    def effect() -> Enrolled:
        now = clock.now()
        if isinstance(door, Call):
            door.require(Scope.CONTRIBUTE)
            device = _enrol(door.session, door.caller, body)
            return Enrolled(account=AccountShape.of(door.caller), device=DeviceShape.of(device), key=None)
        account = service.open_account(door.session, Kind.PERSON, "person", now=now)
        device = _enrol(door.session, account, body)
        issued = service.issue_key(door.session, account, now=now)
        return Enrolled(
            account=AccountShape.of(account), device=DeviceShape.of(device), key=KeyShape.of(issued)
        )

    return door.once(body, effect, hide="key.secret")


@router.delete("/devices/{device_id}", status_code=204)
def revoke_device(device_id: DeviceId, call: Caller) -> Response:
    """Ends a device of the caller's account at once: lost, sold or replaced. It claims nothing more, and
    captures by it that are not judged yet are refused."""
    call.require(Scope.CONTRIBUTE)
    service.revoke_device(call.session, call.account, device_id, now=clock.now())
    return Response(status_code=204)


@router.post("/keys", status_code=201, response_model=KeyShape)
def make_key(body: MakeKey, call: Caller) -> JSONResponse:
    """Makes a further key with at most this key's scopes (without `scopes`: all of them, but a key with
    spend limits gets `money` only when it is named). Its secret is shown in this answer only."""
    if call.api_key.has_limits():
        raise errors.Forbidden(
            "a key with spend limits cannot make keys", hint="Use the account's first key."
        )
    limits = body.limits.limits()
    wanted = body.scopes if body.scopes is not None else _inherited(call.api_key, limits)
    if not wanted:
        raise errors.BadInput(
            "the key would have no scope",
            hint="Name its scopes: a limited key gets money only when it is named.",
        )
    for scope in wanted:
        call.require(scope)

    def effect() -> KeyShape:
        spending.require_going(call.session, call.api_key)
        issued = service.issue_key(call.session, call.caller, now=clock.now(), scopes=wanted, limits=limits)
        return KeyShape.of(issued)

    return call.once(body, effect, hide="secret")


@router.delete("/keys/{key_id}", status_code=204)
def revoke_key(key_id: KeyId, call: Caller) -> Response:
    """Ends a key of the caller's account at once: itself, or one that may do no more than it."""
    service.revoke_key(call.session, call.api_key, key_id, now=clock.now())
    return Response(status_code=204)


@router.get("/keys", response_model=Keys)
def list_keys(call: Caller) -> Keys:
    """The account's keys, oldest first, for a key without limits; one with limits sees itself."""
    call.require(Scope.READ)
    found = [call.api_key] if call.api_key.has_limits() else service.keys_of(call.session, call.account)
    return Keys(items=[_key_state(call.session, key) for key in found])


@router.post("/keys/{key_id}/stop", response_model=KeyState)
def stop_key(key_id: KeyId, call: Caller) -> JSONResponse:
    """Stops a key of the caller's account: it posts nothing more until it is started. It may still read
    and cancel, and refunds come. Itself, or one that may do no more than it."""

    def effect() -> KeyState:
        stopped = spending.stop_key(call.session, call.api_key, key_id, now=clock.now())
        return _key_state(call.session, stopped)

    return call.once(None, effect, 200)


@router.post("/keys/{key_id}/start", response_model=KeyState)
def start_key(key_id: KeyId, call: Caller) -> JSONResponse:
    """Starts a stopped key again. A key that has limits, or is stopped itself, starts none."""

    def effect() -> KeyState:
        started = spending.start_key(call.session, call.api_key, key_id, now=clock.now())
        return _key_state(call.session, started)

    return call.once(None, effect, 200)


@router.post("/me/spending/stop", response_model=AccountShape)
def stop_spending(call: Caller) -> JSONResponse:
    """Stops all spending of the account at once, whichever its key; any key that may post may do this."""
    call.require(Scope.POST)

    def effect() -> AccountShape:
        return AccountShape.of(spending.stop_all(call.session, call.api_key, now=clock.now()))

    return call.once(None, effect, 200)


@router.post("/me/spending/start", response_model=AccountShape)
def start_spending(call: Caller) -> JSONResponse:
    """Lets the account spend again. A key that has limits, or is stopped itself, may not do this."""
    call.require(Scope.POST)

    def effect() -> AccountShape:
        return AccountShape.of(spending.start_all(call.session, call.api_key, now=clock.now()))

    return call.once(None, effect, 200)


@router.post("/accounts/{account_id}/freeze", response_model=StandingShape)
def freeze(account_id: AccountId, body: FreezeAccount, call: Caller) -> JSONResponse:
    """Freezes an account (operators): no posts, no money out, no new keys. What is under way settles."""
    call.require(Scope.ADMIN)

    def effect() -> StandingShape:
        if not service.freeze(call.session, account_id, body.why, now=clock.now(), actor=call.account):
            raise errors.StateConflict("a closed account cannot be frozen", status="closed")
        return _standing(call.session, account_id)

    return call.once(body, effect, 200)


@router.post("/accounts/{account_id}/unfreeze", response_model=StandingShape)
def unfreeze(account_id: AccountId, call: Caller) -> JSONResponse:
    """Lifts every reason for which an account is frozen (operators)."""
    call.require(Scope.ADMIN)

    def effect() -> StandingShape:
        if not service.unfreeze(call.session, account_id, now=clock.now(), actor=call.account):
            raise errors.StateConflict("a closed account cannot be opened again", status="closed")
        return _standing(call.session, account_id)

    return call.once(None, effect, 200)


def _key_state(session: Session, key: ApiKey) -> KeyState:
    return KeyState.of(key, spending.spent(session, key, now=clock.now()))


def _standing(session: Session, account_id: str) -> StandingShape:
    return StandingShape.of(session.get_one(Account, account_id), service.freezes_of(session, account_id))


def _inherited(key: ApiKey, limits: Limits) -> list[Scope]:
    """The scopes a new key gets unasked: a limit on spending is no limit if the key can pay money out."""
    scopes = [Scope(name) for name in key.scopes]
    return scopes if limits == Limits() else [scope for scope in scopes if scope is not Scope.MONEY]


def _enrol(session: Session, account: Account, body: Enrol) -> Device:
    try:
        public_key, proof = rules.unb64u(body.public_key), rules.unb64u(body.proof)
    except ValueError as error:
        raise errors.BadInput("public_key and proof are base64url") from error
    spot = Spot(body.lat, body.lon) if body.lat is not None and body.lon is not None else None
    return service.enrol(
        session,
        account,
        kind=body.kind,
        algorithm=body.algorithm.value,
        public_key=public_key,
        proof=proof,
        name=body.name,
        spot=spot,
        now=clock.now(),
    )
