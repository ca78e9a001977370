"""clawbacks and premiums

Slots may be clawed back, earnings revoked; an escrow says what part of its fee is the warranty premium.
Escrows that are there already promised no premium.

Revision: 0008
Follows: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATES = ("state IN ('held', 'released', 'refunded', 'clawed_back')", "state IN ('held', 'released', 'refunded')")
PAID = (
    "(state IN ('released', 'clawed_back')) = (contributor IS NOT NULL)",
    "(state = 'released') = (contributor IS NOT NULL)",
)


def _slots(way: int) -> None:
    with op.batch_alter_table("escrow_slots") as batch_op:
        for name, says in (("ck_escrow_slots_state", STATES[way]), ("ck_escrow_slots_contributor", PAID[way])):
            batch_op.drop_constraint(op.f(name), type_="check")
            batch_op.create_check_constraint(op.f(name), says)


def upgrade() -> None:
    # Not rebuilt in a batch: other tables point at this one, and SQLite would not let it be dropped.
    big = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE escrows ADD COLUMN premium {big} DEFAULT 0 NOT NULL"
        " CONSTRAINT ck_escrows_premium CHECK (premium >= 0 AND premium <= fee)"
    )
    _slots(0)
    with op.batch_alter_table("maturities") as batch_op:
        batch_op.drop_index("ix_maturities_due")
        batch_op.add_column(sa.Column("revoked_at", core.db.Instant(timezone=True), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_maturities_one_end"), "matured_at IS NULL OR revoked_at IS NULL"
        )
        batch_op.create_index("ix_maturities_due", ["matured_at", "revoked_at", "matures_at"], unique=False)


def downgrade() -> None:
    """Refused by the older CHECK where a slot was clawed back: the older house has no word for it."""
    _slots(1)
    with op.batch_alter_table("maturities") as batch_op:
        batch_op.drop_index("ix_maturities_due")
        batch_op.drop_constraint(op.f("ck_maturities_one_end"), type_="check")
        batch_op.drop_column("revoked_at")
        batch_op.create_index("ix_maturities_due", ["matured_at", "matures_at"], unique=False)
    op.execute("ALTER TABLE escrows DROP COLUMN premium")
