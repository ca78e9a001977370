"""Accounts, keys, devices, spends and remembered calls: columns and guarantees."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Big


class Account(Base):
    """Someone who trades."""

    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime]


class ApiKey(Base):
    """A key: only its SHA-256 is stored. Limits are micros; NULL is no limit."""

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
    limit_per_day: Mapped[int | None] = mapped_column(Big)
    limit_total: Mapped[int | None] = mapped_column(Big)
    spent_total: Mapped[int] = mapped_column(Big, default=0)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    def has_limits(self) -> bool:
        """Whether any spend limit is set."""
        return any(
            limit is not None for limit in (self.limit_per_bounty, self.limit_per_day, self.limit_total)
        )


class SpendDay(Base):
    """What a key has spent in one UTC day, in micros."""

    __tablename__ = "spend_days"

    key: Mapped[str] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)
    day: Mapped[str] = mapped_column(primary_key=True)
    spent: Mapped[int] = mapped_column(Big, default=0)


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
