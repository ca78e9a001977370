"""What the money tests share: traders, real deposits through the sandbox bank, threads that race."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from core.accounts.rules import Kind
from core.accounts.service import open_account
from core.db import Database
from core.money import Money
from payments import audit, escrow, ledger, outbox, rules
from payments.rails.sandbox import SandboxRail
from payments.tables import Escrow

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PRICE, FEE = Money.parse("10.00"), Money.parse("1.00")
Result = TypeVar("Result")


class Clock:
    """A time that moves when told to."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time

    def forward(self, by: timedelta) -> None:
        self.time += by


@contextmanager
def fresh(blank: Path) -> Iterator[Database]:
    """A copy of a migrated SQLite file: one for each example that Hypothesis makes up."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{shutil.copy(blank, folder)}")
        yield database
        database.dispose()


def trader(database: Database, name: str = "trader") -> str:
    with database.transaction() as session:
        return open_account(session, Kind.AGENT, name, now=NOW).id


def funded(database: Database, amount: Money, account: str = "") -> str:
    """An account (a new one unless given) with a real deposit of `amount`."""
    account = account or trader(database)
    with database.transaction() as session:
        operation = outbox.request_deposit(session, account, amount, rail="sandbox", now=NOW).id
    outbox.run_operation(database, {"sandbox": SandboxRail(database)}, operation, clock=lambda: NOW)
    return account


def held(database: Database, *, slots: int = 1, subject: str | None = None) -> Escrow:
    """An escrow of `slots` at PRICE + FEE, paid by one funded buyer with nothing left over."""
    total = (PRICE + FEE).times(slots)
    buyer = funded(database, total)
    with database.transaction() as session:
        return escrow.hold(
            session,
            subject=subject or buyer,
            payers=[(buyer, total)],
            price=PRICE,
            fee=FEE,
            slots=slots,
            now=NOW,
        )


def balance(database: Database, name: str) -> int:
    with database.reading() as session:
        return ledger.balance(session, name)


def available(database: Database, account: str) -> int:
    return balance(database, rules.available(account))


def broken(database: Database) -> list[audit.Figure]:
    """The invariants that do not hold: always none, after whatever happened."""
    return [figure for figure in audit.books(database, now=NOW) if not figure.holds]


def together(count: int, work: Callable[[int], Result]) -> list[Result | Exception]:
    """Runs `work(0..count-1)` in threads that leave the start together; errors are results."""
    start = threading.Barrier(count)

    def run(number: int) -> Result | Exception:
        start.wait(timeout=30)
        try:
            return work(number)
        except Exception as error:  # noqa: BLE001  # the errors are what the test counts
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
