"""Money's columns and guarantees. What must never happen is refused here, by the database.

`ledger_postings`, `ledger_transfers` and `ledger_entries` are append-only (see `triggers.py`).
Amounts and balances are micros of a US dollar.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.accounts.tables import Account
from core.db import Base, Big
from payments.rules import DisputeState, OperationKind, OperationState, SlotState


def _one_of(
    column: str,
    values: type[OperationKind] | type[OperationState] | type[SlotState] | type[DisputeState],
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
    of the rest after an unknown outcome; of a bank payout that is done, when it is read anew. `woken_at`
    is when the sweeper last asked for a worker. `week` is the ISO week of a payout that the house ordered
    by itself: one a contributor a week.
    """

    __tablename__ = "provider_operations"
    __table_args__ = (
        _one_of("status", OperationState),
        _one_of("kind", OperationKind),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("undone >= 0 AND undone <= amount", name="undone"),
        Index("ix_provider_operations_due", "status", "due_at"),
        Index("uq_provider_operations_account_week", "account", "week", unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    account: Mapped[str] = mapped_column(ForeignKey(Account.id), index=True)
    amount: Mapped[int] = mapped_column(Big)
    rail: Mapped[str]
    status: Mapped[str]
    attempts: Mapped[int]
    # How a deposit is paid, and the operation that this one undoes or carries on.
    method: Mapped[str | None]
    parent: Mapped[str | None] = mapped_column(ForeignKey("provider_operations.id"), index=True)
    # Of a deposit: how much of it went back, or is on its way back. Never more than came.
    undone: Mapped[int] = mapped_column(Big, default=0)
    reference: Mapped[str | None]
    url: Mapped[str | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    due_at: Mapped[datetime]
    woken_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    week: Mapped[str | None]


class Halt(Base):
    """Something that was stopped, why, and when it was let go on. At most one in force a name."""

    __tablename__ = "halts"
    __table_args__ = (
        CheckConstraint("(lifted_at IS NULL) = (lifted_why IS NULL)", name="lifted"),
        Index(
            "uq_halts_in_force",
            "name",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=True)
    name: Mapped[str]
    since: Mapped[datetime]
    why: Mapped[str]
    lifted_at: Mapped[datetime | None]
    lifted_why: Mapped[str | None]


class InboxEvent(Base):
    """A provider's event as it came, once. What it means is read from the provider anew when handled."""

    __tablename__ = "inbox_events"
    __table_args__ = (Index("ix_inbox_events_due", "handled_at", "due_at"),)

    source: Mapped[str] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    handled_at: Mapped[datetime | None]
    outcome: Mapped[str | None]


class Dispute(Base):
    """A payer's bank took a deposit back. `taken` came from its balance here, at the start or when it was
    lost; the rest it owes us, or cost us. `fee` is what the provider charged for it so far."""

    __tablename__ = "disputes"
    __table_args__ = (
        _one_of("status", DisputeState),
        CheckConstraint("amount > 0 AND fee >= 0 AND taken >= 0 AND taken <= amount", name="amounts"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    rail: Mapped[str]
    operation: Mapped[str] = mapped_column(ForeignKey("provider_operations.id"), index=True)
    account: Mapped[str] = mapped_column(ForeignKey(Account.id), index=True)
    amount: Mapped[int] = mapped_column(Big)
    fee: Mapped[int] = mapped_column(Big)
    taken: Mapped[int] = mapped_column(Big)
    status: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class RailAccount(Base):
    """Who an account is at a provider: as a payer (customer) and as a payee (destination)."""

    __tablename__ = "rail_accounts"

    rail: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey(Account.id), primary_key=True)
    customer: Mapped[str | None] = mapped_column(unique=True)
    saved_method: Mapped[str | None]
    destination: Mapped[str | None] = mapped_column(unique=True)
    can_receive: Mapped[bool] = mapped_column(default=False)
    requirements: Mapped[list[str]]
    disabled_reason: Mapped[str | None]
    seen_at: Mapped[datetime]


class ProviderTransaction(Base):
    """One movement in the provider's own ledger, and what of ours explains it."""

    __tablename__ = "provider_transactions"
    __table_args__ = (Index("ix_provider_transactions_open", "rail", "freed_at"),)

    rail: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    source: Mapped[str | None]
    amount: Mapped[int] = mapped_column(Big)
    fee: Mapped[int] = mapped_column(Big)
    created_at: Mapped[datetime]
    freed_at: Mapped[datetime | None]
    explained_by: Mapped[str | None]


class Reconciliation(Base):
    """Our cash at a provider beside the provider's own word, at one moment. Micros."""

    __tablename__ = "reconciliations"

    id: Mapped[str] = mapped_column(primary_key=True)
    rail: Mapped[str] = mapped_column(index=True)
    ours: Mapped[int] = mapped_column(Big)
    theirs: Mapped[int] = mapped_column(Big)
    in_flight: Mapped[int] = mapped_column(Big)
    difference: Mapped[int] = mapped_column(Big)
    at: Mapped[datetime]


class TopUpRule(Base):
    """Fill a balance up by `amount` when it falls under `below`, at most `daily_cap` a UTC day."""

    __tablename__ = "top_up_rules"
    __table_args__ = (CheckConstraint("below >= 0 AND amount > 0 AND daily_cap >= amount", name="amounts"),)

    account: Mapped[str] = mapped_column(ForeignKey(Account.id), primary_key=True)
    rail: Mapped[str]
    below: Mapped[int] = mapped_column(Big)
    amount: Mapped[int] = mapped_column(Big)
    daily_cap: Mapped[int] = mapped_column(Big)
    off_why: Mapped[str | None]
    set_at: Mapped[datetime]


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
