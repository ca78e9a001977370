"""halts, and one payout a contributor a week

Revision: 0007
Follows: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "halts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("since", core.db.Instant(timezone=True), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("lifted_at", core.db.Instant(timezone=True), nullable=True),
        sa.Column("lifted_why", sa.String(), nullable=True),
        sa.CheckConstraint("(lifted_at IS NULL) = (lifted_why IS NULL)", name=op.f("ck_halts_lifted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_halts")),
    )
    op.create_index(
        "uq_halts_in_force",
        "halts",
        ["name"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.add_column("provider_operations", sa.Column("week", sa.String(), nullable=True))
    op.create_index("uq_provider_operations_account_week", "provider_operations", ["account", "week"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_provider_operations_account_week", table_name="provider_operations")
    op.drop_column("provider_operations", "week")
    op.drop_index("uq_halts_in_force", table_name="halts")
    op.drop_table("halts")
