"""what stripe needs: an inbox, disputes, who is who, what the provider says moved

Revision: 0006
Follows: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = ("deposit", "refund", "payout", "bank_payout", "reversal")
STATES = ("new", "sent", "waiting", "unknown", "done", "failed", "returned")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def upgrade() -> None:
    _inbox()
    _books()
    _people()
    _operations()


def _at(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, core.db.Instant(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(), nullable=nullable)


def _micros(*names: str) -> list[sa.Column]:
    return [sa.Column(name, BIG, nullable=False) for name in names]


def _inbox() -> None:
    op.create_table(
        "inbox_events",
        _text("source"),
        _text("event"),
        _text("kind"),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        _at("received_at"),
        _at("due_at"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _at("handled_at", nullable=True),
        _text("outcome", nullable=True),
        sa.PrimaryKeyConstraint("source", "event", name=op.f("pk_inbox_events")),
    )
    op.create_index("ix_inbox_events_due", "inbox_events", ["handled_at", "due_at"])


def _books() -> None:
    op.create_table(
        "provider_transactions",
        _text("rail"),
        _text("id"),
        _text("kind"),
        _text("source", nullable=True),
        *_micros("amount", "fee"),
        _at("created_at"),
        _at("freed_at", nullable=True),
        _text("explained_by", nullable=True),
        sa.PrimaryKeyConstraint("rail", "id", name=op.f("pk_provider_transactions")),
    )
    op.create_index("ix_provider_transactions_open", "provider_transactions", ["rail", "freed_at"])
    op.create_table(
        "reconciliations",
        _text("id"),
        _text("rail"),
        *_micros("ours", "theirs", "in_flight", "difference"),
        _at("at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliations")),
    )
    op.create_index(op.f("ix_reconciliations_rail"), "reconciliations", ["rail"])


def _people() -> None:
    op.create_table(
        "rail_accounts",
        _text("rail"),
        _text("account"),
        _text("customer", nullable=True),
        _text("saved_method", nullable=True),
        _text("destination", nullable=True),
        sa.Column("can_receive", sa.Boolean(), nullable=False),
        sa.Column("requirements", sa.JSON(), nullable=False),
        _text("disabled_reason", nullable=True),
        _at("seen_at"),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_rail_accounts_account")),
        sa.PrimaryKeyConstraint("rail", "account", name=op.f("pk_rail_accounts")),
        sa.UniqueConstraint("customer", name=op.f("uq_rail_accounts_customer")),
        sa.UniqueConstraint("destination", name=op.f("uq_rail_accounts_destination")),
    )
    op.create_table(
        "top_up_rules",
        _text("account"),
        _text("rail"),
        *_micros("below", "amount", "daily_cap"),
        _text("off_why", nullable=True),
        _at("set_at"),
        sa.CheckConstraint(
            "below >= 0 AND amount > 0 AND daily_cap >= amount", name=op.f("ck_top_up_rules_amounts")
        ),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_top_up_rules_account")),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_top_up_rules")),
    )


def _operations() -> None:
    with op.batch_alter_table("provider_operations") as batch_op:
        batch_op.add_column(_text("method", nullable=True))
        batch_op.add_column(_text("parent", nullable=True))
        batch_op.add_column(sa.Column("undone", BIG, nullable=False, server_default="0"))
        batch_op.add_column(_text("url", nullable=True))
        batch_op.drop_constraint(op.f("ck_provider_operations_kind"), type_="check")
        batch_op.drop_constraint(op.f("ck_provider_operations_status"), type_="check")
        batch_op.create_check_constraint(op.f("ck_provider_operations_kind"), _one_of("kind", KINDS))
        batch_op.create_check_constraint(op.f("ck_provider_operations_status"), _one_of("status", STATES))
        batch_op.create_check_constraint(
            op.f("ck_provider_operations_undone"), "undone >= 0 AND undone <= amount"
        )
        batch_op.create_index(op.f("ix_provider_operations_parent"), ["parent"])
        batch_op.create_foreign_key(
            op.f("fk_provider_operations_parent"), "provider_operations", ["parent"], ["id"]
        )
    with op.batch_alter_table("sandbox_book") as batch_op:
        batch_op.drop_constraint(op.f("ck_sandbox_book_kind"), type_="check")
        batch_op.create_check_constraint(op.f("ck_sandbox_book_kind"), _one_of("kind", KINDS))
    op.create_table(
        "disputes",
        _text("id"),
        _text("rail"),
        _text("operation"),
        _text("account"),
        *_micros("amount", "fee", "taken"),
        _text("status"),
        _at("opened_at"),
        _at("closed_at", nullable=True),
        sa.CheckConstraint("status IN ('open', 'won', 'lost')", name=op.f("ck_disputes_status")),
        sa.CheckConstraint(
            "amount > 0 AND fee >= 0 AND taken >= 0 AND taken <= amount", name=op.f("ck_disputes_amounts")
        ),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_disputes_account")),
        sa.ForeignKeyConstraint(["operation"], ["provider_operations.id"], name=op.f("fk_disputes_operation")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
    )
    op.create_index(op.f("ix_disputes_account"), "disputes", ["account"])
    op.create_index(op.f("ix_disputes_operation"), "disputes", ["operation"])


def downgrade() -> None:
    op.drop_table("disputes")
    with op.batch_alter_table("sandbox_book") as batch_op:
        batch_op.drop_constraint(op.f("ck_sandbox_book_kind"), type_="check")
        batch_op.create_check_constraint(op.f("ck_sandbox_book_kind"), _one_of("kind", ("deposit", "payout")))
    with op.batch_alter_table("provider_operations") as batch_op:
        for name in ("kind", "status", "undone"):
            batch_op.drop_constraint(op.f(f"ck_provider_operations_{name}"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_provider_operations_kind"), _one_of("kind", ("deposit", "payout"))
        )
        states = tuple(state for state in STATES if state not in ("waiting", "returned"))
        batch_op.create_check_constraint(op.f("ck_provider_operations_status"), _one_of("status", states))
        batch_op.drop_constraint(op.f("fk_provider_operations_parent"), type_="foreignkey")
        batch_op.drop_index(op.f("ix_provider_operations_parent"))
        for name in ("url", "undone", "parent", "method"):
            batch_op.drop_column(name)
    for table in ("top_up_rules", "rail_accounts", "reconciliations", "provider_transactions", "inbox_events"):
        op.drop_table(table)
