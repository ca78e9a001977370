"""Which rails a house opens, and when it had better open none."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from core.config import Settings
from core.db import Database
from core.errors import Unavailable
from core.money import Money
from market import doctor
from market.app import create_app
from market.rails import open_rails
from payments import outbox, refunds
from payments.rails.sandbox import SandboxRail
from tests.payments.test_refunds import deposit_of
from tests.payments.traders import NOW, funded, trader

TEN = Money.parse("10.00")


def settings(database: Database, home: Path) -> Settings:
    return Settings(
        home=home, database_url=str(database.engine.url), rail="stripe", stripe_secret_key=SecretStr("sk_x")
    )


def test_play_money_never_meets_real_money(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    buyer, real = funded(database, TEN), settings(database, tmp_path)
    for start in (lambda: open_rails(real, database), lambda: create_app(real)):
        with pytest.raises(Unavailable, match="sandbox's money"):
            start()
    doctor.run(real)
    assert "NOT WELL: SPOTCHECK_RAIL is stripe" in capsys.readouterr().out
    with database.transaction() as session:
        back = refunds.request_refund(session, buyer, deposit_of(database, buyer), TEN, now=NOW).id
    outbox.run_operation(database, {"sandbox": SandboxRail(database)}, back, clock=lambda: NOW)
    assert set(open_rails(real, database)) == {"sandbox", "stripe"}, "all of it has gone"


def test_play_money_that_may_still_come_is_waited_for(database: Database, tmp_path: Path) -> None:
    with database.transaction() as session:
        outbox.request_deposit(session, trader(database), TEN, rail="sandbox", now=NOW)
    with pytest.raises(Unavailable, match="sandbox's money"):
        open_rails(settings(database, tmp_path), database)


def test_a_house_without_tables_yet_holds_none(tmp_path: Path) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'new.db'}")
    assert set(open_rails(settings(empty, tmp_path), empty)) == {"sandbox", "stripe"}
    empty.dispose()
