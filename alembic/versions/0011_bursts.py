"""bursts of claims

Revision: 0011
Follows: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("claims", sa.Column("pan", sa.String(), server_default="", nullable=False))
    op.add_column("claims", sa.Column("burst_sha256", sa.String(), nullable=True))
    op.add_column("claims", sa.Column("burst_size", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.execute("ALTER TABLE claims DROP COLUMN burst_size")
    op.execute("ALTER TABLE claims DROP COLUMN burst_sha256")
    op.execute("ALTER TABLE claims DROP COLUMN pan")
