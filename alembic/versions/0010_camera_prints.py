"""camera prints

Revision: 0010
Follows: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "camera_prints",
        sa.Column("capture", sa.String(), nullable=False),
        sa.Column("order", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("frame", sa.String(), nullable=False),
        sa.Column("print", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("capture", name=op.f("pk_camera_prints")),
        sa.UniqueConstraint("order", name=op.f("uq_camera_prints_order")),
    )
    op.create_index(op.f("ix_camera_prints_account_frame_order"), "camera_prints", ["account", "frame", "order"])
    op.create_index(op.f("ix_camera_prints_frame_order"), "camera_prints", ["frame", "order"])


def downgrade() -> None:
    op.drop_index(op.f("ix_camera_prints_frame_order"), table_name="camera_prints")
    op.drop_index(op.f("ix_camera_prints_account_frame_order"), table_name="camera_prints")
    op.drop_table("camera_prints")
