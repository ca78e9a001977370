"""The same migrations build SQLite and Postgres, agree with the tables, and go down and up again."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from alembic import command
from core.db import Database
from core.money import Money
from market.migrate import alembic_config, migrate
from payments import escrow
from payments.triggers import APPEND_ONLY
from tests.payments.traders import NOW, broken, held, trader
from tests.servers import Postgres


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        migrate(f"sqlite:///{tmp_path}/house.db")
        return f"sqlite:///{tmp_path}/house.db"
    server: Postgres = request.getfixturevalue("postgres_server")
    return server.new_database()


def tables(url: str) -> set[str]:
    engine = create_engine(url)
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found


def test_migrations_and_tables_agree(url: str) -> None:
    command.check(alembic_config(url))


def test_down_and_up_again(url: str) -> None:
    before = tables(url)
    assert set(APPEND_ONLY) < before
    command.downgrade(alembic_config(url), "base")
    assert tables(url) <= {"alembic_version"}
    migrate(url)
    assert tables(url) == before


def test_filled_books_go_down_one_step_and_up_again_whole(url: str) -> None:
    """With rows that point at each other, which SQLite does not let a migration drop and rebuild.

    Without a premium: the older schema has no word for it.
    """
    database = Database(url)
    made, worker = held(database, slots=3, premium=Money(0)), trader(database)
    with database.transaction() as session:
        escrow.release(session, made.id, 0, worker, hold_back_until=NOW.replace(year=2027), now=NOW)
        escrow.refund(session, made.id, [1], now=NOW)
    database.dispose()
    command.downgrade(alembic_config(url), "0005")
    migrate(url)
    assert broken(database) == []
    with database.transaction() as session:
        escrow.clawback(session, made.id, 0, now=NOW)
    database.dispose()
