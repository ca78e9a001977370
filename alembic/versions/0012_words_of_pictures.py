"""words of pictures

What was remembered of pictures is of another form now. It is forgotten, and so is that it was remembered: the
next examination remembers each of them anew from its original.

Revision: 0012
Follows: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


_FORGET = (
    "UPDATE captures SET remembered_at = NULL WHERE id IN (SELECT capture FROM remembered WHERE hashes IS NOT NULL)",
    "DELETE FROM camera_prints WHERE capture IN (SELECT capture FROM remembered WHERE hashes IS NOT NULL)",
    "DELETE FROM remembered WHERE hashes IS NOT NULL",
)


def upgrade() -> None:
    for statement in _FORGET:
        op.execute(statement)
    with op.batch_alter_table("remembered", schema=None) as batch_op:
        batch_op.add_column(sa.Column("words", sa.LargeBinary(), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_remembered_words_whole"), "(words IS NULL) = (look IS NULL)"
        )


def downgrade() -> None:
    for statement in _FORGET:
        op.execute(statement)
    with op.batch_alter_table("remembered", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_remembered_words_whole"), type_="check")
        batch_op.drop_column("words")
