"""What is done with accounts, keys and devices. The only writer of their tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import errors, states
from core.accounts import rules
from core.accounts.rules import AccountState, DeviceKind, Kind, Limits, Scope
from core.accounts.tables import Account, ApiKey, Device, Freeze
from core.db import insert_once
from core.geo import Spot
from core.ids import new_id
from core.money import Money

MAX_DEVICES = 50
MAX_WHY = 200


@dataclass(frozen=True, slots=True)
class Issued:
    """A key just made: the only time its secret is known."""

    key: ApiKey
    secret: str


def open_account(session: Session, kind: Kind, name: str, *, now: datetime) -> Account:
    """Makes an account. The name is what operators see; buyers never do."""
    account = Account(id=new_id("acc"), kind=kind.value, name=name, created_at=now)
    session.add(account)
    session.flush()
    return account


def issue_key(
    session: Session,
    account: Account,
    *,
    now: datetime,
    scopes: Iterable[Scope] | None = None,
    limits: Limits = Limits(),
) -> Issued:
    """Makes an API key for an account.

    Raises:
        Forbidden: a scope that an account of this kind may not hold.
        AccountFrozen, AccountClosed.
    """
    require_open(session, account.id)
    allowed = rules.SCOPES_OF[Kind(account.kind)]
    wanted = frozenset(scopes) if scopes is not None else allowed
    if not wanted <= allowed:
        raise errors.Forbidden("that account cannot hold that scope", scope=sorted(wanted - allowed)[0])
    secret = rules.new_secret()
    key = ApiKey(
        id=new_id("key"),
        account=account.id,
        secret_hash=rules.secret_hash(secret),
        scopes=sorted(wanted),
        limit_per_bounty=_micros(limits.per_bounty),
        limit_per_hour=_micros(limits.per_hour),
        limit_per_day=_micros(limits.per_day),
        limit_total=_micros(limits.total),
        limit_kinds=None if limits.kinds is None else sorted(set(limits.kinds)),
        limit_cells=None if limits.cells is None else sorted(set(limits.cells)),
        approve_over=_micros(limits.approve_over),
        spent_total=0,
        created_at=now,
        revoked_at=None,
        stopped_at=None,
    )
    session.add(key)
    session.flush()
    return Issued(key, secret)


def authenticate(session: Session, secret: str) -> tuple[Account, ApiKey]:
    """The account and key behind a bearer secret.

    Raises:
        Unauthenticated: unknown or revoked.
    """
    row = session.execute(
        select(Account, ApiKey)
        .join(ApiKey, ApiKey.account == Account.id)
        .where(ApiKey.secret_hash == rules.secret_hash(secret), ApiKey.revoked_at.is_(None))
    ).one_or_none()
    if row is None:
        raise errors.Unauthenticated("that key is unknown or revoked")
    return row[0], row[1]


def revoke_key(session: Session, by: ApiKey, key_id: str, *, now: datetime) -> None:
    """Ends a key of the account of `by` at once. Ending it twice is fine.

    Raises:
        NotFound: no such key of this account.
        Forbidden, SpendingStopped: as `require_rule`. Unauthenticated: `by` was revoked meanwhile.
    """
    lock(session, by.account)  # what the key is doing now is waited for; what it begins is refused
    session.refresh(by)
    key = own_key(session, by.account, key_id)
    if key.id != by.id:
        require_not_revoked(by)
        require_rule(by, key)
    if key.revoked_at is None:
        key.revoked_at = now
        session.flush()


def own_key(session: Session, account: str, key_id: str) -> ApiKey:
    """A key of this account, as it is now.

    Raises:
        NotFound: another's, or none.
    """
    key = session.get(ApiKey, key_id, populate_existing=True)
    if key is None or key.account != account:
        raise errors.NotFound("no such key")
    return key


def require_not_revoked(key: ApiKey) -> None:
    """Raises Unauthenticated where a key was revoked since its caller was let in."""
    if key.revoked_at is not None:
        raise errors.Unauthenticated("that key is unknown or revoked")


def keys_of(session: Session, account: str) -> list[ApiKey]:
    """An account's keys that are not revoked, oldest first, as they are now."""
    live = select(ApiKey).where(ApiKey.account == account, ApiKey.revoked_at.is_(None)).order_by(ApiKey.id)
    return list(session.scalars(live.execution_options(populate_existing=True)))


def require_rule(by: ApiKey, key: ApiKey) -> None:
    """Refuses unless `by` may end or start `key`: it must be able to do all that `key` can.

    A small key that leaked must not lock its owner out, nor lift what its owner put on it.

    Raises:
        Forbidden: `by` has limits, or lacks a scope that `key` holds.
        SpendingStopped: `by` is stopped itself.
    """
    require_unlimited(by)
    beyond = sorted(set(key.scopes) - set(by.scopes))
    if beyond:
        raise errors.Forbidden("a key cannot rule a key that may do more", scope=beyond[0])


def require_unlimited(key: ApiKey) -> None:
    """Refuses a key that is itself under limits or stopped, where only its account's owner may act.

    Raises:
        Forbidden: it has limits. SpendingStopped: it is stopped.
    """
    if key.has_limits():
        raise errors.Forbidden(
            "a key with spend limits cannot do this", hint="Use a key of the account without limits."
        )
    if key.stopped_at is not None:
        raise errors.SpendingStopped("this key was stopped", stopped="key")


def lock(session: Session, account_id: str) -> Account:
    """The account as it is now, locked to the end of the transaction: before its keys, and before the ledger.

    Whoever spends, pays out, makes a key, freezes, closes or stops takes it. So what was refused once is
    refused from then on, and what was under way is waited for. Nobody shares it: behind a row of posts that
    share a lock, each begun before the last one ended, a stop would wait for ever.

    Raises:
        NotFound: no such account.
    """
    # FOR NO KEY UPDATE: rows that only refer to the account need not wait.
    found = session.get(Account, account_id, with_for_update={"key_share": True}, populate_existing=True)
    if found is None:
        raise errors.NotFound("no such account")
    return found


def require_open(session: Session, account_id: str) -> Account:
    """An account that may trade, kept so to the end of the transaction.

    Raises:
        AccountFrozen, AccountClosed.
    """
    account = require_not_closed(session, account_id)
    if account.status == AccountState.FROZEN:
        raise errors.AccountFrozen("this account is frozen")
    return account


def require_not_closed(session: Session, account_id: str) -> Account:
    """An account that is open or frozen, kept from closing to the end of the transaction.

    Raises:
        AccountClosed.
    """
    account = lock(session, account_id)
    if account.status == AccountState.CLOSED:
        raise errors.AccountClosed("this account is closed")
    return account


def freeze(session: Session, account_id: str, why: str, *, now: datetime, actor: str) -> bool:
    """Freezes an account for a reason, such as "dispute dp_1": it may not post, send money out or make keys.

    What is under way settles and refunds as ever. A frozen account gets the further reason; the same reason
    again changes nothing. A closed account stays closed. Call it before anything is posted to the ledger:
    posts lock the account first too.

    Args:
        why: at most 200 characters; for operators, its owner is not told.
        actor: who did it: an operator's account id, or "payments".

    Returns:
        Whether the account is frozen now.

    Raises:
        NotFound: no such account. BadInput: no reason, or too long a one.
    """
    if not 0 < len(why) <= MAX_WHY:
        raise errors.BadInput(f"a freeze has a reason of 1..{MAX_WHY} characters")
    account = lock(session, account_id)
    if account.status == AccountState.CLOSED:
        return False
    if why not in [reason.why for reason in freezes_of(session, account_id)]:
        session.add(Freeze(account=account_id, why=why, actor=actor, at=now, lifted_by=None, lifted_at=None))
    if account.status == AccountState.OPEN:
        _move(session, account, AccountState.FROZEN, now, actor)
    session.flush()
    return True


def unfreeze(session: Session, account_id: str, *, now: datetime, actor: str, why: str | None = None) -> bool:
    """Lifts one reason (`why`), or all; with no reason left the account is open again.

    Returns:
        Whether the account is open now.

    Raises:
        NotFound: no such account.
    """
    account = lock(session, account_id)
    for reason in freezes_of(session, account_id):
        if why in (None, reason.why):
            reason.lifted_by, reason.lifted_at = actor, now
    session.flush()
    if account.status == AccountState.FROZEN and not freezes_of(session, account_id):
        _move(session, account, AccountState.OPEN, now, actor)
    return account.status == AccountState.OPEN


def freezes_of(session: Session, account_id: str) -> list[Freeze]:
    """The reasons for which an account is frozen now, oldest first."""
    standing = (Freeze.account == account_id) & (Freeze.lifted_at.is_(None))
    return list(session.scalars(select(Freeze).where(standing).order_by(Freeze.id)))


def close(session: Session, by: ApiKey, *, now: datetime) -> Account:
    """Closes the account of `by` for good and ends all its keys. The caller has seen that nothing is left.

    Raises:
        AccountFrozen: an operator must lift that first.
        Forbidden, SpendingStopped: `by` may not rule one of the keys.
        StateConflict: it is closed already.
    """
    account = lock(session, by.account)
    if account.status == AccountState.FROZEN:
        raise errors.AccountFrozen("a frozen account cannot be closed")
    for key in keys_of(session, account.id):
        require_rule(by, key)
        key.revoked_at = now
    _move(session, account, AccountState.CLOSED, now, account.id)
    return account


def _move(session: Session, account: Account, to: AccountState, now: datetime, actor: str) -> None:
    states.move(session, account, to, rules.ACCOUNT, now=now, tenant=account.id, actor=actor)


def enrol(
    session: Session,
    account: Account,
    *,
    kind: DeviceKind,
    algorithm: str,
    public_key: bytes,
    proof: bytes,
    name: str,
    spot: Spot | None,
    now: datetime,
) -> Device:
    """Enrols a device key for an account.

    Args:
        public_key: DER SubjectPublicKeyInfo.
        proof: the device's signature over `rules.enrolment_message(public_key)`.
        spot: where an instrument stands; required for one, ignored for a phone.

    Raises:
        BadSignature: the proof is not by that key, or the key is not of that algorithm.
        BadInput: an instrument without a place, or too many devices.
        Conflict: the key is enrolled already.
    """
    if not rules.signature_fits(algorithm, public_key, proof, rules.enrolment_message(public_key)):
        raise errors.BadSignature("the proof does not fit the public key and algorithm")
    if kind is DeviceKind.INSTRUMENT and spot is None:
        raise errors.BadInput("an instrument says where it stands", hint="Send lat and lon.")
    # The account's row is locked first, so that devices enrolled side by side are counted too.
    session.refresh(account, with_for_update=True)
    if len(devices_of(session, account.id)) >= MAX_DEVICES:
        raise errors.BadInput(f"an account holds at most {MAX_DEVICES} devices")
    place = spot if kind is DeviceKind.INSTRUMENT else None
    values = {
        "id": new_id("dev"),
        "account": account.id,
        "kind": kind.value,
        "algorithm": algorithm,
        "public_key": public_key,
        "name": name,
        "lat": place.lat if place else None,
        "lon": place.lon if place else None,
        "enrolled_at": now,
        "revoked_at": None,
    }
    if not insert_once(session, Device, values, ["public_key"]):
        raise errors.Conflict(
            "that device key is enrolled already", hint="Each device makes its own key pair."
        )
    return session.get_one(Device, values["id"])


def own_device(session: Session, account: str, device_id: str) -> Device:
    """A device of this account, not revoked.

    Raises:
        NotFound: another's, unknown or revoked.
    """
    device = session.get(Device, device_id)
    if device is None or device.account != account or device.revoked_at is not None:
        raise errors.NotFound("no such device")
    return device


def revoke_device(session: Session, account: str, device_id: str, *, now: datetime) -> None:
    """Ends a device of this account at once: it claims nothing more, and what is not judged yet is refused.

    Ending it twice is fine. Its key stays known, so that nobody can enrol it again.

    Raises:
        NotFound: no such device of this account.
    """
    device = session.get(Device, device_id)
    if device is None or device.account != account:
        raise errors.NotFound("no such device")
    if device.revoked_at is None:
        device.revoked_at = now
        session.flush()


def devices_of(session: Session, account: str) -> list[Device]:
    """An account's devices that are not revoked, oldest first."""
    mine = (Device.account == account) & (Device.revoked_at.is_(None))
    return list(session.scalars(select(Device).where(mine).order_by(Device.id)))


def request_hash(*parts: str) -> str:
    """A hash of what a request asks, for telling a retry from another request."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def _micros(money: Money | None) -> int | None:
    return money.micros if money is not None else None
