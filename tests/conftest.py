"""Fixtures every test may use: a migrated SQLite, a real Postgres, a whole market on loopback."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from core.db import Database
from market.migrate import migrate
from tests.inside import Inside
from tests.servers import House, Postgres

# The same examples on every run: a red CI is a red laptop. `make soak` may explore.
hypothesis.settings.register_profile("house", derandomize=True)
hypothesis.settings.load_profile("house")


@pytest.fixture(autouse=True)
def ordinary_priority() -> Iterator[None]:
    """No test leaves the run at real-time priority: it would starve what is started later."""
    before = os.sched_getscheduler(0)
    yield
    assert os.sched_getscheduler(0) == before, "see tests/assets/boxed.py: SVT-AV1 does this under root"


@pytest.fixture(scope="session")
def blank_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file as the migrations build it, made once and copied for each test."""
    path = tmp_path_factory.mktemp("blank") / "blank.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def database(blank_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    """A fresh SQLite database with the house's tables."""
    path = tmp_path / "test.db"
    path.write_bytes(blank_sqlite.read_bytes())
    opened = Database(f"sqlite:///{path}")
    yield opened
    opened.dispose()


@pytest.fixture
def inside(blank_sqlite: Path, tmp_path: Path) -> Iterator[Inside]:
    """The whole market in this process, on a fresh SQLite database."""
    (tmp_path / "house.db").write_bytes(blank_sqlite.read_bytes())
    market = Inside(f"sqlite:///{tmp_path / 'house.db'}", tmp_path / "home")
    yield market
    market.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A real Postgres, started once for the whole run and stopped at its end."""
    # Not under pytest's folder: Postgres runs as a user of its own, which may not enter it.
    folder = Path(tempfile.mkdtemp(prefix="spotcheck-postgres-"))
    folder.chmod(0o755)
    server = Postgres(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(postgres_server: Postgres) -> Iterator[Database]:
    """A fresh Postgres database with the house's tables."""
    opened = Database(postgres_server.new_database(), pool_size=40)
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The whole market as one command runs it: real server, real worker, SQLite, on loopback."""
    running = House(tmp_path_factory.mktemp("house"))
    running.start()
    yield running
    running.stop()
