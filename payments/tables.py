"""Money's columns and guarantees. What must never happen is refused here, by the database.

`ledger_postings`, `ledger_transfers` and `ledger_entries` are append-only (see `triggers.py`).
Amounts and balances are micros of a US dollar.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.accounts.tables import Account
from core.db import Base, Big
from payments.rules import OperationKind, OperationState, SlotState


def _one_of(
    column: str, values: type[OperationKind] | type[OperationState] | type[SlotState]
) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class LedgerAccount(Base):
    """A balance between its bounds, and how many entries made it (`version`)."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        CheckConstraint("balance >= floor", name="floor"),
        CheckConstraint("balance <= ceiling", name="ceiling"),
        CheckConstraint("version >= 0", name="version"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    floor: Mapped[int] = mapped_column(Big)
    ceiling: Mapped[int] = mapped_column(Big)
    balance: Mapped[int] = mapped_column(Big)
    version: Mapped[int] = mapped_column(Big)
    opened_at: Mapped[datetime]


class LedgerPosting(Base):
    """One change of the books: all its transfers or none. The key is what makes a retry harmless."""

    __tablename__ = "ledger_postings"
    __table_args__ = (CheckConstraint("legs > 0", name="legs"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    legs: Mapped[int]
    posted_at: Mapped[datetime]


class Transfer(Base):
    """An amount from one account to another: zero-sum by its shape."""

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("source <> target", name="two_accounts"),
    )

    posting: Mapped[str] = mapped_column(ForeignKey("ledger_postings.key"), primary_key=True)
    leg: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"))
    target: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"))
    amount: Mapped[int] = mapped_column(Big)


class Entry(Base):
    """One transfer seen from one of its accounts, chained to the account's entry before it."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        ForeignKeyConstraint(["posting", "leg"], ["ledger_transfers.posting", "ledger_transfers.leg"]),
        UniqueConstraint("posting", "leg", "account"),
        CheckConstraint("balance_after = balance_before + amount", name="chain"),
        CheckConstraint("version > 0", name="version"),
    )

    account: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=False)
    posting: Mapped[str]
    leg: Mapped[int]
    amount: Mapped[int] = mapped_column(Big)
    balance_before: Mapped[int] = mapped_column(Big)
    balance_after: Mapped[int] = mapped_column(Big)


class Escrow(Base):
    """Money set aside for `slots` answers at `price` + `fee` each. One escrow a subject.

    `premium` is the part of the fee that each release puts into the warranty reserve.
    """

    __tablename__ = "escrows"
    __table_args__ = (
        CheckConstraint("price > 0", name="price"),
        CheckConstraint("fee >= 0", name="fee"),
        CheckConstraint("premium >= 0 AND premium <= fee", name="premium"),
        CheckConstraint("slots > 0", name="slots"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(unique=True)
    price: Mapped[int] = mapped_column(Big)
    fee: Mapped[int] = mapped_column(Big)
    premium: Mapped[int] = mapped_column(Big)
    slots: Mapped[int]
    opened_at: Mapped[datetime]


class EscrowPayer(Base):
    """What one payer put in and got back: never more back than in."""

    __tablename__ = "escrow_payers"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("refunded >= 0 AND refunded <= amount", name="refunded"),
    )

    escrow: Mapped[str] = mapped_column(ForeignKey("escrows.id"), primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey(Account.id), primary_key=True, index=True)
    amount: Mapped[int] = mapped_column(Big)
    refunded: Mapped[int] = mapped_column(Big)


class EscrowSlot(Base):
    """One slot's money: held, then released to a contributor or refunded, once; clawed back at most once."""

    __tablename__ = "escrow_slots"
    __table_args__ = (
        _one_of("state", SlotState),
        CheckConstraint(
            "(state IN ('released', 'clawed_back')) = (contributor IS NOT NULL)", name="contributor"
        ),
        CheckConstraint("(state = 'held') = (moved_at IS NULL)", name="moved_at"),
    )

    escrow: Mapped[str] = mapped_column(ForeignKey("escrows.id"), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str]
    contributor: Mapped[str | None] = mapped_column(ForeignKey(Account.id))
    moved_at: Mapped[datetime | None]


class Maturity(Base):
    """An earning inside its hold-back: pending until `matures_at`, then payable, unless revoked before."""

    __tablename__ = "maturities"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("matured_at IS NULL OR revoked_at IS NULL", name="one_end"),
        Index("ix_maturities_due", "matured_at", "revoked_at", "matures_at"),
    )

    posting: Mapped[str] = mapped_column(ForeignKey("ledger_postings.key"), primary_key=True)
    contributor: Mapped[str] = mapped_column(ForeignKey(Account.id))
    amount: Mapped[int] = mapped_column(Big)
    matures_at: Mapped[datetime]
    matured_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Operation(Base):
    """The outbox: one order to a rail. Its id is the rail's idempotency key.

    `due_at` is when the next worker may touch it: the end of the lease while one works on it, the end
    of the rest after an unknown outcome. `woken_at` is when the sweeper last asked for a worker.
    """

    __tablename__ = "provider_operations"
    __table_args__ = (
        _one_of("status", OperationState),
        _one_of("kind", OperationKind),
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_provider_operations_due", "status", "due_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    account: Mapped[str] = mapped_column(ForeignKey(Account.id), index=True)
    amount: Mapped[int] = mapped_column(Big)
    rail: Mapped[str]
    status: Mapped[str]
    attempts: Mapped[int]
    reference: Mapped[str | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    due_at: Mapped[datetime]
    woken_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class SandboxBooking(Base):
    """The sandbox bank's own book. Only `rails/sandbox.py` writes it; `outcome` NULL = not booked."""

    __tablename__ = "sandbox_book"
    __table_args__ = (_one_of("kind", OperationKind), CheckConstraint("amount > 0", name="amount"))

    operation: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    account: Mapped[str]
    amount: Mapped[int] = mapped_column(Big)
    outcome: Mapped[str | None]
    reason: Mapped[str | None]
    seen_at: Mapped[datetime]
