"""The same migrations build SQLite and Postgres, agree with the tables, and go down and up again."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

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
    command.downgrade(alembic_config(url), "0007")
    migrate(url)
    assert broken(database) == []
    with database.transaction() as session:
        escrow.clawback(session, made.id, 0, now=NOW)
    database.dispose()


def test_what_a_key_spent_and_who_traded_are_there_after_the_limits_came(url: str) -> None:
    """From 0008, filled, to 0009 and back: days become windows, accounts are open, keys have no new limit."""
    engine = create_engine(url)
    command.downgrade(alembic_config(url), "0008")
    with engine.begin() as connection:
        for row in (
            "INSERT INTO accounts (id, kind, name, created_at) VALUES ('acc_1', 'agent', 'a', '2026-11-23')",
            "INSERT INTO api_keys (id, account, secret_hash, scopes, spent_total, created_at)"
            " VALUES ('key_1', 'acc_1', 'x', '[]', 7, '2026-11-23')",
            "INSERT INTO spend_days (key, day, spent) VALUES ('key_1', '2026-11-23', 7)",
        ):
            connection.execute(text(row))
    migrate(url)
    with engine.begin() as connection:
        windows = connection.execute(text("SELECT key, span, start, spent FROM spend_windows")).all()
        account = connection.execute(text("SELECT status, spending_stopped_at FROM accounts")).all()
        key = text("SELECT limit_per_hour, limit_kinds, limit_cells, approve_over, stopped_at FROM api_keys")
        assert [tuple(row) for row in windows] == [("key_1", "day", "2026-11-23", 7)]
        assert [tuple(row) for row in account] == [("open", None)]
        assert [tuple(row) for row in connection.execute(key)] == [(None,) * 5]
    command.downgrade(alembic_config(url), "0008")
    with engine.begin() as connection:
        days = connection.execute(text("SELECT key, day, spent FROM spend_days")).all()
        assert [tuple(row) for row in days] == [("key_1", "2026-11-23", 7)]
    engine.dispose()
