"""a medium is named by its role too

Revision: 0004
Follows: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("media") as batch_op:
        batch_op.drop_constraint("pk_media", type_="primary")
        batch_op.create_primary_key("pk_media", ["capture", "sha256", "role"])


def downgrade() -> None:
    with op.batch_alter_table("media") as batch_op:
        batch_op.drop_constraint("pk_media", type_="primary")
        batch_op.create_primary_key("pk_media", ["capture", "sha256"])
