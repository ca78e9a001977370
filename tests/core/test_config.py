"""Settings: sensible without any variable, frozen, and one seal key however many processes start at once."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from core.config import QUEUES, Settings
from core.errors import Unavailable


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SPOTCHECK_{name.upper()}", raising=False)


def test_without_any_variable_everything_is_under_home(tmp_path: Path) -> None:
    found = Settings(home=tmp_path / "house")
    assert found.database == f"sqlite:///{tmp_path}/house/spotcheck.db"
    assert found.broker == f"filesystem://{tmp_path}/house/broker"
    assert found.storage == f"file://{tmp_path}/house/storage"
    assert found.trust == tmp_path / "house" / "trust"


def test_a_variable_changes_one_thing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOTCHECK_DATABASE_URL", "postgresql+psycopg://db/house")
    monkeypatch.setenv("SPOTCHECK_FEE_BPS", "250")
    monkeypatch.setenv("SPOTCHECK_NO_SUCH_SETTING", "1")
    found = Settings(home=tmp_path)
    assert (found.database, found.fee_bps) == ("postgresql+psycopg://db/house", 250)
    assert found.storage.startswith("file://")


def test_a_worker_takes_from_all_queues_or_from_those_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().queues == QUEUES
    for told, taken in (("", QUEUES), (" bounties , core", ("bounties", "core"))):
        monkeypatch.setenv("SPOTCHECK_QUEUES", told)
        assert Settings().queues == taken


@pytest.mark.parametrize(
    ("name", "value"),
    [("FEE_BPS", "-1"), ("FEE_BPS", "5001"), ("PORT", "0"), ("PORT", "70000"), ("RATE_LIMIT", "0"),
     ("CLAIM_MINUTES", "0"), ("LEASE_S", "-1"), ("THREADS", "0"), ("MAX_FRESHNESS_S", "no"),
     ("TRUSTED_PROXIES", "*"), ("TRUSTED_PROXIES", "127.0.0.1,proxy"), ("TRUSTED_PROXIES", "10.0.0.1/8"),
     ("AT_ONCE", "0"), ("AT_ONCE", "65"), ("QUEUES", "captures")],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_at_the_start(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"SPOTCHECK_{name}", value)
    with pytest.raises(ValidationError):
        Settings()


def test_settings_do_not_change(tmp_path: Path) -> None:
    found = Settings(home=tmp_path)
    with pytest.raises(ValidationError):
        found.port = 1


def test_the_seal_key_is_made_once_by_many_at_once(tmp_path: Path) -> None:
    home = tmp_path / "new" / "house"
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: Settings(home=home).seal_key(), range(64)))
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    assert [path.name for path in home.iterdir()] == ["seal.key"]
    assert stat.S_IMODE((home / "seal.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
def test_a_damaged_seal_key_is_never_used_nor_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "seal.key").write_bytes(content)
    with pytest.raises(Unavailable):
        Settings(home=tmp_path).seal_key()
    assert (tmp_path / "seal.key").read_bytes() == content
