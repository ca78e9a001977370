"""moments of films

Revision: 0013
Follows: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "remembered_moments",
        sa.Column("capture", sa.String(), nullable=False),
        sa.Column("picture", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("look", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("capture", "picture", name=op.f("pk_remembered_moments")),
    )
    op.create_index(op.f("ix_remembered_moments_order"), "remembered_moments", ["order"])


def downgrade() -> None:
    op.drop_index(op.f("ix_remembered_moments_order"), table_name="remembered_moments")
    op.drop_table("remembered_moments")
