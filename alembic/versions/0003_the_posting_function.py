"""the posting function of Postgres

Revision: 0003
Follows: 0002
"""

from __future__ import annotations

from alembic import op
from payments import posting_function

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(posting_function.CREATE)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(posting_function.DROP)
