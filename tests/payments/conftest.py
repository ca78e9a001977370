"""The same test on both databases.

A Postgres database costs a second on a busy machine, so a module shares one: its tests name nothing twice
and leave the books sound. An SQLite file costs nothing: each test has its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.db import Database
from tests.servers import Postgres


@pytest.fixture(scope="module")
def postgres(postgres_server: Postgres) -> Iterator[Database]:
    """One real Postgres database for the module."""
    opened = Database(postgres_server.new_database(), pool_size=40)
    yield opened
    opened.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def books(request: pytest.FixtureRequest) -> Database:
    """Fresh SQLite, then the module's Postgres."""
    found: Database = request.getfixturevalue("database" if request.param == "sqlite" else "postgres")
    return found
