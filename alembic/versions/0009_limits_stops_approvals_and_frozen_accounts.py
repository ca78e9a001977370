"""limits, stops, approvals and frozen accounts

Revision: 0009
Follows: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MICROS = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    # In plain SQL: a batch would build `accounts` anew on SQLite, and every table refers to it.
    op.execute(
        "ALTER TABLE accounts ADD COLUMN status VARCHAR NOT NULL DEFAULT 'open' "
        "CONSTRAINT ck_accounts_status CHECK (status IN ('open', 'frozen', 'closed'))"
    )
    op.add_column("accounts", sa.Column("spending_stopped_at", TIME, nullable=True))
    op.create_table(
        "account_freezes",
        sa.Column("id", MICROS, autoincrement=True, nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("lifted_by", sa.String(), nullable=True),
        sa.Column("lifted_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_account_freezes_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_freezes")),
    )
    op.create_index(op.f("ix_account_freezes_account"), "account_freezes", ["account"])
    op.add_column("api_keys", sa.Column("limit_per_hour", MICROS, nullable=True))
    op.add_column("api_keys", sa.Column("limit_kinds", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("api_keys", sa.Column("limit_cells", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("api_keys", sa.Column("approve_over", MICROS, nullable=True))
    op.add_column("api_keys", sa.Column("stopped_at", TIME, nullable=True))
    op.create_table(
        "spend_windows",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("span", sa.String(), nullable=False),
        sa.Column("start", sa.String(), nullable=False),
        sa.Column("spent", MICROS, nullable=False),
        sa.CheckConstraint("spent >= 0", name=op.f("ck_spend_windows_spent")),
        sa.ForeignKeyConstraint(["key"], ["api_keys.id"], name=op.f("fk_spend_windows_key")),
        sa.PrimaryKeyConstraint("key", "span", "start", name=op.f("pk_spend_windows")),
    )
    op.execute("INSERT INTO spend_windows (key, span, start, spent) SELECT key, 'day', day, spent FROM spend_days")
    op.drop_table("spend_days")
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("request", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("amount", MICROS, nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("lapses_at", TIME, nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("bounty", sa.String(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_approvals_amount")),
        sa.CheckConstraint("bounty IS NULL OR status = 'used'", name=op.f("ck_approvals_bounty")),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_approvals_account")),
        sa.ForeignKeyConstraint(["key"], ["api_keys.id"], name=op.f("fk_approvals_key")),
        sa.ForeignKeyConstraint(["decided_by"], ["api_keys.id"], name=op.f("fk_approvals_decided_by")),
        sa.ForeignKeyConstraint(["bounty"], ["bounties.id"], name=op.f("fk_approvals_bounty")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("bounty", name=op.f("uq_approvals_bounty")),
    )
    op.create_index(op.f("ix_approvals_account"), "approvals", ["account"])
    op.create_index("ix_approvals_status_lapses_at", "approvals", ["status", "lapses_at"])


def downgrade() -> None:
    op.drop_table("approvals")
    op.create_table(
        "spend_days",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("spent", MICROS, nullable=False),
        sa.ForeignKeyConstraint(["key"], ["api_keys.id"], name=op.f("fk_spend_days_key")),
        sa.PrimaryKeyConstraint("key", "day", name=op.f("pk_spend_days")),
    )
    op.execute("INSERT INTO spend_days (key, day, spent) SELECT key, start, spent FROM spend_windows WHERE span = 'day'")
    op.drop_table("spend_windows")
    for column in ("limit_per_hour", "limit_kinds", "limit_cells", "approve_over", "stopped_at"):
        op.execute(f"ALTER TABLE api_keys DROP COLUMN {column}")
    op.drop_table("account_freezes")
    for column in ("status", "spending_stopped_at"):
        op.execute(f"ALTER TABLE accounts DROP COLUMN {column}")
