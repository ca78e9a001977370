"""Alembic's environment: the same migrations build SQLite and Postgres. Never add an __init__.py here."""

from __future__ import annotations

import verification.tables  # noqa: F401
from alembic import context
from core.config import Settings
from core.db import Base, Database


def run() -> None:
    """Runs migrations on the URL given by the caller, else on the configured one."""
    url = context.config.get_main_option("sqlalchemy.url") or Settings().database
    database = Database(url)
    with database.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    database.dispose()


run()
