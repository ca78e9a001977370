"""Alembic's environment: the same migrations build SQLite and Postgres. Never add an __init__.py here."""

from __future__ import annotations

import importlib

from alembic import context
from core.config import Settings
from core.db import Base, Database

# Every module that declares tables: Base.metadata knows a table once its module is imported.
for module in (
    "core.accounts.tables",
    "core.log",
    "core.states",
    "payments.tables",
    "verification.tables",
    "bounties.tables",
):
    importlib.import_module(module)


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
