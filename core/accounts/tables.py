"""Accounts, keys, devices, spends and remembered calls: columns and guarantees."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.accounts.rules import AccountState, Limits
from core.db import Base, Big
from core.money import Money


class Account(Base):
    """Someone who trades. `spending_stopped_at`: since when no key of it may spend."""

    __tablename__ = "accounts"
    __table_args__ = (CheckConstraint("status IN ('open', 'frozen', 'closed')", name="status"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(default=AccountState.OPEN.value)
    spending_stopped_at: Mapped[datetime | None]


class Freeze(Base):
    """One reason why an account is, or was, frozen. It is frozen while one of them is not lifted."""

    __tablename__ = "account_freezes"

    id: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    why: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]
    lifted_by: Mapped[str | None]
    lifted_at: Mapped[datetime | None]


class ApiKey(Base):
    """A key: only its SHA-256 is stored. Limits are micros or lists; NULL is no limit."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("limit_total IS NULL OR spent_total <= limit_total", name="total"),
        CheckConstraint("spent_total >= 0", name="spent"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    limit_per_bounty: Mapped[int | None] = mapped_column(Big)
    limit_per_hour: Mapped[int | None] = mapped_column(Big)
    limit_per_day: Mapped[int | None] = mapped_column(Big)
    limit_total: Mapped[int | None] = mapped_column(Big)
    limit_kinds: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    limit_cells: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    approve_over: Mapped[int | None] = mapped_column(Big)
    spent_total: Mapped[int] = mapped_column(Big, default=0)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]

    @property
    def limits(self) -> Limits:
        """What it may spend, on what and where."""
        return Limits(
            per_bounty=_money(self.limit_per_bounty),
            per_hour=_money(self.limit_per_hour),
            per_day=_money(self.limit_per_day),
            total=_money(self.limit_total),
            kinds=None if self.limit_kinds is None else tuple(self.limit_kinds),
            cells=None if self.limit_cells is None else tuple(self.limit_cells),
            approve_over=_money(self.approve_over),
        )

    def has_limits(self) -> bool:
        """Whether any spend limit is set."""
        return self.limits != Limits()


def _money(micros: int | None) -> Money | None:
    return None if micros is None else Money(micros)


class SpendWindow(Base):
    """What a key has spent in one UTC hour or day (`rules.window_of`), in micros."""

    __tablename__ = "spend_windows"
    __table_args__ = (CheckConstraint("spent >= 0", name="spent"),)

    key: Mapped[str] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)
    span: Mapped[str] = mapped_column(primary_key=True)
    start: Mapped[str] = mapped_column(primary_key=True)
    spent: Mapped[int] = mapped_column(Big)


class Device(Base):
    """An enrolled key that signs captures. `lat`/`lon` say where an instrument stands."""

    __tablename__ = "devices"

    id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    kind: Mapped[str]
    algorithm: Mapped[str]
    public_key: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    name: Mapped[str]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    enrolled_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class RememberedCall(Base):
    """A POST's Idempotency-Key, the hash of its request, and what was answered."""

    __tablename__ = "remembered_calls"
    __table_args__ = (UniqueConstraint("caller", "key"),)

    id: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=True)
    caller: Mapped[str]
    key: Mapped[str]
    request_hash: Mapped[str]
    status: Mapped[int]
    answer: Mapped[dict[str, Any]]
    at: Mapped[datetime]
