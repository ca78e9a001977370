"""Wire shapes of accounts, keys and devices."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.accounts.rules import Algorithm, DeviceKind, Scope
from core.accounts.service import Issued
from core.accounts.tables import Account, ApiKey, Device
from core.money import Money
from core.wire import Amount, B64u, Body, Name, Shape


class OpenAccount(Body):
    """Makes an agent's or a lab's account."""

    name: Name = Field(examples=["queue-watcher"])
    kind: Literal["agent", "lab"] = "agent"


class LimitsShape(Body):
    """Spend limits of a key; absent is no limit."""

    per_bounty: Amount | None = None
    per_day: Amount | None = None
    total: Amount | None = None


class MakeKey(Body):
    """Makes a further key of the caller's account."""

    scopes: list[Scope] | None = Field(default=None, min_length=1, max_length=6)
    limits: LimitsShape = LimitsShape()


class Enrol(Body):
    """Enrols a device key (see docs/api.md for the bytes to sign)."""

    algorithm: Algorithm
    public_key: B64u = Field(description="DER SubjectPublicKeyInfo, base64url.")
    proof: B64u = Field(description="Signature over the enrolment message, base64url.")
    kind: DeviceKind = DeviceKind.PHONE
    name: Name = "phone"
    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)


class AccountShape(Shape):
    """An account."""

    id: str
    kind: str
    name: str

    @classmethod
    def of(cls, account: Account) -> AccountShape:
        """The account on the wire."""
        return cls(id=account.id, kind=account.kind, name=account.name)


class KeyShape(Shape):
    """A key. `secret` is there once, in the answer that made it."""

    id: str
    secret: str | None
    scopes: list[str]
    limits: LimitsShape

    @classmethod
    def of(cls, issued: Issued) -> KeyShape:
        """A key just made, with its secret."""
        return cls(
            id=issued.key.id,
            secret=issued.secret,
            scopes=list(issued.key.scopes),
            limits=limits_of(issued.key),
        )


class DeviceShape(Shape):
    """An enrolled device."""

    id: str
    kind: str
    algorithm: str
    name: str

    @classmethod
    def of(cls, device: Device) -> DeviceShape:
        """The device on the wire."""
        return cls(id=device.id, kind=device.kind, algorithm=device.algorithm, name=device.name)


class Opened(Shape):
    """A new account and its first key."""

    account: AccountShape
    key: KeyShape


class Enrolled(Shape):
    """An enrolled device; `key` only when the enrolment also made a person's account."""

    account: AccountShape
    device: DeviceShape
    key: KeyShape | None


def limits_of(key: ApiKey) -> LimitsShape:
    """A key's limits on the wire."""

    def money(micros: int | None) -> Money | None:
        return None if micros is None else Money(micros)

    return LimitsShape(
        per_bounty=money(key.limit_per_bounty), per_day=money(key.limit_per_day), total=money(key.limit_total)
    )
