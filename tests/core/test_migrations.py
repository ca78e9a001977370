"""The same migrations build SQLite and Postgres, agree with the tables, and go down and up again."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from alembic import command
from market.migrate import alembic_config, migrate
from payments.triggers import APPEND_ONLY
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
