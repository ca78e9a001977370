"""words of pictures

What was remembered of pictures before is known by its bytes alone from now on: its hashes and its look are
of another form, and are not kept beside the new one.

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


def upgrade() -> None:
    op.execute("UPDATE remembered SET hashes = NULL, look = NULL")
    with op.batch_alter_table("remembered", schema=None) as batch_op:
        batch_op.add_column(sa.Column("words", sa.LargeBinary(), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_remembered_words_whole"), "(words IS NULL) = (look IS NULL)"
        )


def downgrade() -> None:
    op.execute("UPDATE remembered SET hashes = NULL, look = NULL, words = NULL")
    with op.batch_alter_table("remembered", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_remembered_words_whole"), type_="check")
        batch_op.drop_column("words")
