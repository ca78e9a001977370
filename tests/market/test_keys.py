"""A machine with other keys than its house's does not start: it would sign and seal what nobody can read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core import clock, log
from core.config import Settings
from core.db import Database
from core.errors import Unavailable
from core.note import Signer, load_or_make_key
from market import doctor
from market.app import create_app
from market.keys import signer_of, storage_of
from tests.servers import ROOT, free_port


def machine(database: Database, tmp_path: Path, name: str) -> Settings:
    return Settings(
        home=tmp_path / name,
        database_url=str(database.engine.url),
        storage_url=f"file://{tmp_path / 'storage'}",
    )


def sign_one(database: Database, settings: Settings) -> None:
    signer = signer_of(settings, database)
    with database.transaction() as session:
        log.append(session, b"leaf", now=clock.now())
        log.sequence(session, signer, now=clock.now())


@pytest.fixture
def first(database: Database, tmp_path: Path) -> Settings:
    """The first machine of a house, which has signed and sealed."""
    settings = machine(database, tmp_path, "first")
    sign_one(database, settings)
    storage_of(settings).seal(b"an original")
    return settings


def refused(start: Callable[[], object], why: str) -> None:
    with pytest.raises(Unavailable, match=why) as fault:
        start()
    assert "log.pem and seal.key" in fault.value.advice


def test_the_first_machine_goes_on_with_its_own(first: Settings, database: Database) -> None:
    sign_one(database, first)
    assert storage_of(first).unseal(storage_of(first).seal(b"an original")) == b"an original"


def test_a_second_machine_without_the_keys_starts_nothing_and_makes_no_log_key(
    first: Settings, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    second = machine(database, tmp_path, "second")
    refused(lambda: signer_of(second, database), "its key .* is not here")
    assert not (second.home / "log.pem").exists()
    refused(lambda: storage_of(second), "sealed under another key")
    refused(lambda: create_app(second), "another key")
    assert doctor.run(second) == 1
    said = capsys.readouterr().out
    assert "NOT WELL: the log is signed" in said
    assert "NOT WELL: the storage is sealed under another key" in said

    for name in ("log.pem", "seal.key"):
        shutil.copy(first.home / name, second.home / name)
    sign_one(database, second)
    assert storage_of(second).unseal(storage_of(first).seal(b"an original")) == b"an original"


def test_another_key_at_the_same_place_is_not_signed_with(
    first: Settings, database: Database, tmp_path: Path
) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'new.db'}")
    second = machine(database, tmp_path, "second")
    signer_of(second, empty)  # a house of its own, before it was pointed at this one; without tables yet
    empty.dispose()
    refused(lambda: signer_of(second, database), "signed by another key")


def test_a_key_that_did_not_sign_the_head_signs_nothing_on(
    first: Settings, database: Database, tmp_path: Path
) -> None:
    """Two machines may start at once, before anything is signed: then each holds its own."""
    other = Signer(first.log_origin, load_or_make_key(tmp_path / "other.pem"))
    with database.transaction() as session:
        log.append(session, b"another leaf", now=clock.now())
    with pytest.raises(log.LogBroken, match="another key"), database.transaction() as session:
        log.sequence(session, other, now=clock.now())
    sign_one(database, first)


def test_a_log_of_another_name_is_no_matter_of_keys(first: Settings, database: Database) -> None:
    renamed = first.model_copy(update={"log_origin": "another/log"})
    with pytest.raises(Unavailable, match="SPOTCHECK_LOG_ORIGIN another/log") as fault:
        signer_of(renamed, database)
    assert "log's own name" in fault.value.advice


def test_whoever_starts_a_machine_with_other_keys_reads_what_to_do(first: Settings, tmp_path: Path) -> None:
    env = {
        **os.environ,
        "SPOTCHECK_HOME": str(tmp_path / "second"),
        "SPOTCHECK_DATABASE_URL": first.database,
        "SPOTCHECK_STORAGE_URL": first.storage,
    }
    for command in ("serve", "doctor"):
        ran = subprocess.run(
            [sys.executable, "-m", "market", command],
            cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert ran.returncode == 1
        assert "Copy log.pem and seal.key" in ran.stdout + ran.stderr
        assert "Traceback" not in ran.stderr


def test_a_database_that_is_away_stops_no_start(tmp_path: Path) -> None:
    away = Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none")
    assert signer_of(Settings(home=tmp_path), away)
    away.dispose()


def test_a_storage_that_is_away_stops_no_start(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    url = f"s3://bucket?endpoint={nobody}&region=us-east-1&access_key_id=a&secret_access_key=b"
    away = storage_of(Settings(home=tmp_path, storage_url=url))
    with pytest.raises(Unavailable):
        away.is_ours()
