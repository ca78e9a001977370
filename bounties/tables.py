"""Bounties, slots, claims, captures, media, observations: columns, keys and guarantees."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Big


class Bounty(Base):
    """What an agent asks for. `terms` is the exact JSON a receipt binds."""

    __tablename__ = "bounties"
    __table_args__ = (
        CheckConstraint("reward > 0 AND fee >= 0 AND slots > 0", name="amounts"),
        Index("ix_bounties_status_cell", "status", "cell"),
        Index("ix_bounties_status_closes_at", "status", "closes_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    status: Mapped[str]
    kind: Mapped[str]
    ask: Mapped[str]
    terms: Mapped[dict[str, Any]]
    lat: Mapped[float]
    lon: Mapped[float]
    cell: Mapped[str]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    reward: Mapped[int] = mapped_column(Big)
    fee: Mapped[int] = mapped_column(Big)
    slots: Mapped[int]
    tier: Mapped[int]
    escrow: Mapped[str] = mapped_column(ForeignKey("escrows.id"), unique=True)
    created_at: Mapped[datetime]


class Approval(Base):
    """A post that a limited key may make once its account has said yes. `request` is its body, as asked."""

    __tablename__ = "approvals"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("bounty IS NULL OR status = 'used'", name="bounty"),
        Index("ix_approvals_status_lapses_at", "status", "lapses_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    key: Mapped[str] = mapped_column(ForeignKey("api_keys.id"))
    status: Mapped[str]
    request: Mapped[dict[str, Any]]
    request_hash: Mapped[str]
    amount: Mapped[int] = mapped_column(Big)
    summary: Mapped[str]
    created_at: Mapped[datetime]
    lapses_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("api_keys.id"))
    decided_at: Mapped[datetime | None]
    bounty: Mapped[str | None] = mapped_column(ForeignKey("bounties.id"), unique=True)


class Slot(Base):
    """One paid-for capture of a bounty. `number` is also its number in the escrow."""

    __tablename__ = "slots"
    __table_args__ = (
        UniqueConstraint("bounty", "number"),
        Index("ix_slots_bounty_status", "bounty", "status"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    bounty: Mapped[str] = mapped_column(ForeignKey("bounties.id"))
    number: Mapped[int]
    status: Mapped[str]


class Claim(Base):
    """A promise to fill a slot, with the challenge that was set. One active claim a person a bounty."""

    __tablename__ = "claims"
    __table_args__ = (
        Index("ix_claims_status_deadline", "status", "deadline"),
        Index(
            "uq_claims_active",
            "bounty",
            "account",
            unique=True,
            sqlite_where=text("status = 'active'"),
            postgresql_where=text("status = 'active'"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    bounty: Mapped[str] = mapped_column(ForeignKey("bounties.id"), index=True)
    slot: Mapped[str] = mapped_column(ForeignKey("slots.id"))
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    device: Mapped[str] = mapped_column(ForeignKey("devices.id"))
    status: Mapped[str]
    nonce: Mapped[str] = mapped_column(unique=True)
    code: Mapped[str]
    pan: Mapped[str] = mapped_column(server_default="")
    issued_at: Mapped[datetime]
    deadline: Mapped[datetime]
    commitment: Mapped[str | None]
    commitment_signature: Mapped[bytes | None] = mapped_column(LargeBinary)
    committed_at: Mapped[datetime | None]
    media_sha256: Mapped[str | None]
    media_type: Mapped[str | None]
    media_size: Mapped[int | None]
    burst_sha256: Mapped[str | None]
    burst_size: Mapped[int | None]
    deliveries: Mapped[int] = mapped_column(default=0)
    uploads_begun: Mapped[int] = mapped_column(default=0, server_default="0")
    bytes_taken: Mapped[int] = mapped_column(Big, default=0, server_default="0")


class StreamPart(Base):
    """One signed batch of readings, as it came."""

    __tablename__ = "stream_parts"

    claim: Mapped[str] = mapped_column(ForeignKey("claims.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    payload: Mapped[str]
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    readings: Mapped[int]
    last_at: Mapped[datetime | None]
    received_at: Mapped[datetime]


class Capture(Base):
    """A capture on its way to one verdict.

    `order` is gapless and in commit order (see `submissions.next_order`): what "earlier" means for copies.
    `attempts` is the fencing token: a worker whose attempt is not the row's may not settle it. The same for
    putting it into the memory is `remember_attempts`, until `remembering_until`; `memory_fault` says why the
    memory has no more of it than its bytes' name (`rules.MemoryFault`): then a person decides.
    """

    __tablename__ = "captures"
    __table_args__ = (
        CheckConstraint("(paid IS NULL) OR (status = 'accepted')", name="paid"),
        Index("ix_captures_status_due", "status", "due_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    order: Mapped[int] = mapped_column(Big, unique=True)
    claim: Mapped[str] = mapped_column(ForeignKey("claims.id"), unique=True)
    bounty: Mapped[str] = mapped_column(ForeignKey("bounties.id"), index=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    status: Mapped[str]
    statement: Mapped[str]
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[dict[str, Any]]
    submitted_at: Mapped[datetime]
    remembered_at: Mapped[datetime | None]
    remembering_until: Mapped[datetime | None]
    remember_attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    memory_fault: Mapped[str | None]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    judged_at: Mapped[datetime | None]
    reasons: Mapped[list[str]]
    report: Mapped[dict[str, Any] | None]
    paid: Mapped[int | None] = mapped_column(Big)


class Original(Base):
    """Sealed bytes that were taken in; what no capture names a day after `received_at` is dropped."""

    __tablename__ = "originals"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(index=True)


class Media(Base):
    """Bytes of a capture: the sealed original or burst, or a derivative made for the buyer."""

    __tablename__ = "media"

    capture: Mapped[str] = mapped_column(ForeignKey("captures.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    # A picture may be a fixed point of the delivered copy's encoding: then both are the same bytes.
    role: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    size: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]


class Observation(Base):
    """What an accepted capture gives the buyer; `receipt` is the exact text whose hash is in the log."""

    __tablename__ = "observations"

    id: Mapped[str] = mapped_column(primary_key=True)
    capture: Mapped[str] = mapped_column(ForeignKey("captures.id"), unique=True)
    bounty: Mapped[str] = mapped_column(ForeignKey("bounties.id"), index=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    receipt: Mapped[str]
    leaf: Mapped[int] = mapped_column(Big)
    created_at: Mapped[datetime]


class Counter(Base):
    """A gapless counter whose row lock is held to the commit: its order is the commit order."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(Big)
