"""What is done with accounts, keys and devices. The only writer of their tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import errors
from core.accounts import rules
from core.accounts.rules import DeviceKind, Kind, Limits, Scope
from core.accounts.tables import Account, ApiKey, Device, SpendDay
from core.db import insert_once
from core.geo import Spot
from core.ids import new_id
from core.money import Money

MAX_DEVICES = 50


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
    """
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
        limit_per_day=_micros(limits.per_day),
        limit_total=_micros(limits.total),
        spent_total=0,
        created_at=now,
        revoked_at=None,
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
        Forbidden: it may do more than `by`: a small key that leaked must not lock its owner out.
    """
    key = session.get(ApiKey, key_id)
    if key is None or key.account != by.account:
        raise errors.NotFound("no such key")
    beyond = sorted(set(key.scopes) - set(by.scopes))
    if key.id != by.id and (beyond or by.has_limits()):
        raise errors.Forbidden("a key cannot end a key that may do more", scope=beyond[0] if beyond else None)
    if key.revoked_at is None:
        key.revoked_at = now
        session.flush()


def spend(session: Session, key_id: str, amount: Money, *, now: datetime) -> None:
    """Counts a spend against a key's limits, in the caller's transaction, race-free.

    Each limit is one conditional UPDATE, so that any number of parallel posts stay under it.

    Raises:
        SpendLimitReached: a limit would be passed; nothing is counted once the caller rolls back.
    """
    key = session.get_one(ApiKey, key_id)
    if key.limit_per_bounty is not None and amount.micros > key.limit_per_bounty:
        raise _limit("per_bounty", key.limit_per_bounty)
    counted = session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .where((ApiKey.limit_total.is_(None)) | (ApiKey.spent_total + amount.micros <= ApiKey.limit_total))
        .values(spent_total=ApiKey.spent_total + amount.micros)
        .returning(ApiKey.id)
        .execution_options(synchronize_session=False)
    ).first()
    if counted is None:
        raise _limit("total", key.limit_total or 0)
    if key.limit_per_day is None:
        return
    day = rules.day_of(now)
    insert_once(session, SpendDay, {"key": key_id, "day": day, "spent": 0}, ["key", "day"])
    counted = session.execute(
        update(SpendDay)
        .where(SpendDay.key == key_id, SpendDay.day == day)
        .where(SpendDay.spent + amount.micros <= key.limit_per_day)
        .values(spent=SpendDay.spent + amount.micros)
        .returning(SpendDay.key)
        .execution_options(synchronize_session=False)
    ).first()
    if counted is None:
        raise _limit("per_day", key.limit_per_day)


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


def _limit(which: str, micros: int) -> errors.SpendLimitReached:
    return errors.SpendLimitReached(
        f"this key's {which} limit would be passed", limit=which, allowed=str(Money(micros))
    )
