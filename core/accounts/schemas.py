"""Wire shapes of accounts, keys and devices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from core.accounts.rules import AccountState, Algorithm, DeviceKind, Limits, Scope, Span
from core.accounts.service import MAX_WHY, Issued
from core.accounts.tables import Account, ApiKey, Device, Freeze
from core.geo import fence_cell
from core.money import Money
from core.wire import Amount, B64u, Body, Name, Shape, Text

FenceCell = Annotated[str, Field(pattern=r"^[0-9a-f]{15}$"), AfterValidator(fence_cell)]
"""An H3 cell of resolution 0..9."""


class OpenAccount(Body):
    """Makes an agent's or a lab's account."""

    name: Name = Field(examples=["queue-watcher"])
    kind: Literal["agent", "lab"] = "agent"


class LimitsShape(Body):
    """Spend limits of a key, fees included; absent is no limit. Hours and days are UTC's."""

    per_bounty: Amount | None = None
    per_hour: Amount | None = None
    per_day: Amount | None = None
    total: Amount | None = None
    kinds: list[Literal["photo", "video", "stream"]] | None = Field(default=None, min_length=1, max_length=3)
    cells: list[FenceCell] | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="H3 cells, resolution 0..9: the centre of a bounty's area lies in one of them.",
    )
    approve_over: Amount | None = Field(
        default=None, description="A post that costs more needs an approval (POST /v1/approvals)."
    )

    def limits(self) -> Limits:
        """The limits as the house keeps them."""
        return Limits(
            per_bounty=self.per_bounty,
            per_hour=self.per_hour,
            per_day=self.per_day,
            total=self.total,
            kinds=None if self.kinds is None else tuple(self.kinds),
            cells=None if self.cells is None else tuple(self.cells),
            approve_over=self.approve_over,
        )

    @classmethod
    def of(cls, limits: Limits) -> LimitsShape:
        """The limits on the wire."""
        return cls.model_validate({name: getattr(limits, name) for name in cls.model_fields})


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

    @model_validator(mode="after")
    def _whole_place(self) -> Self:
        if (self.lat is None) is not (self.lon is None):
            raise ValueError("a place is lat and lon: one alone is none")
        return self


class AccountShape(Shape):
    """An account."""

    id: str
    kind: str
    name: str
    status: Literal["open", "frozen", "closed"]
    spending_stopped_at: datetime | None

    @classmethod
    def of(cls, account: Account) -> AccountShape:
        """The account on the wire."""
        return cls(
            id=account.id,
            kind=account.kind,
            name=account.name,
            status=AccountState(account.status).value,
            spending_stopped_at=account.spending_stopped_at,
        )


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
            limits=LimitsShape.of(issued.key.limits),
        )


class Spent(Shape):
    """What a key has spent: in the current UTC hour, in the current UTC day, in all."""

    hour: Amount
    day: Amount
    total: Amount


class KeyState(Shape):
    """A key as it is now: what it may spend and what it has spent. `stopped_at`: it posts nothing."""

    id: str
    scopes: list[str]
    limits: LimitsShape
    spent: Spent
    stopped_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey, spent: Mapping[Span, Money]) -> KeyState:
        """The key on the wire."""
        return cls(
            id=key.id,
            scopes=list(key.scopes),
            limits=LimitsShape.of(key.limits),
            spent=Spent(hour=spent[Span.HOUR], day=spent[Span.DAY], total=Money(key.spent_total)),
            stopped_at=key.stopped_at,
        )


class Keys(Shape):
    """Keys that are not revoked, oldest first."""

    items: list[KeyState]


class FreezeAccount(Body):
    """Why an account is frozen, for operators. The same reason again changes nothing."""

    why: Annotated[Text, Field(max_length=MAX_WHY)] = Field(examples=["dispute dp_1"])


class FreezeReason(Shape):
    """One reason why an account is frozen."""

    why: str
    actor: str
    at: datetime


class StandingShape(Shape):
    """An account as an operator sees it."""

    account: AccountShape
    reasons: list[FreezeReason]

    @classmethod
    def of(cls, account: Account, reasons: Iterable[Freeze]) -> StandingShape:
        """The standing on the wire."""
        told = [FreezeReason(why=item.why, actor=item.actor, at=item.at) for item in reasons]
        return cls(account=AccountShape.of(account), reasons=told)


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
