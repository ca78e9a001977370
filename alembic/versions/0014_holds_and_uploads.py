"""holds on what is remembered, and uploads begun

Revision: 0014
Follows: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("captures", sa.Column("remembering_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "captures", sa.Column("remember_attempts", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("captures", sa.Column("memory_fault", sa.String(), nullable=True))
    op.add_column("claims", sa.Column("uploads_begun", sa.Integer(), server_default="0", nullable=False))
    op.add_column("claims", sa.Column("bytes_taken", BIG, server_default="0", nullable=False))


def downgrade() -> None:
    op.execute("ALTER TABLE claims DROP COLUMN bytes_taken")
    op.execute("ALTER TABLE claims DROP COLUMN uploads_begun")
    op.execute("ALTER TABLE captures DROP COLUMN memory_fault")
    op.execute("ALTER TABLE captures DROP COLUMN remember_attempts")
    op.execute("ALTER TABLE captures DROP COLUMN remembering_until")
