"""What the demo reads from its own house's database: reports, money that moved, the audit, the log.

Only an operator can see this; a contributor is told coarse reasons, a buyer the findings of what it bought.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from bounties.tables import Capture
from core import clock
from core.db import Database
from core.money import Money
from payments import audit
from payments.tables import LedgerAccount, Transfer
from verification import constants as numbers

# (kind of account it left, kind it reached) -> the name of the flow
_FLOWS = {
    ("asset", "agent"): "deposit",
    ("agent", "escrow"): "hold",
    ("escrow", "agent"): "refund",
    ("escrow", "contrib"): "reward",
    ("escrow", "rev"): "fee",
    ("escrow", "reserve"): "fee",  # the premium: a part of the one fee a buyer pays
    ("contrib", "asset"): "payout",
}


@dataclass(frozen=True, slots=True)
class Flow:
    """All transfers of one kind: how many, and how much."""

    name: str
    count: int
    amount: Money


def reports(database: Database, captures: Iterable[str]) -> dict[str, dict[str, Any] | None]:
    """The verifier's report of each capture, by id."""
    with database.reading() as session:
        rows = session.execute(select(Capture.id, Capture.report).where(Capture.id.in_(list(captures))))
        return {row.id: row.report for row in rows}


def flows(database: Database) -> dict[str, Flow]:
    """What moved between the kinds of accounts, by name; a flow that never happened is 0."""
    found = {name: Flow(name, 0, Money(0)) for name in _FLOWS.values()}
    with database.reading() as session:
        rows = session.execute(select(Transfer.source, Transfer.target, Transfer.amount))
        for source, target, amount in rows:
            name = _FLOWS.get((source.partition(":")[0], target.partition(":")[0]))
            if name is not None:
                flow = found[name]
                found[name] = Flow(name, flow.count + 1, flow.amount + Money(amount))
    return found


def standing(database: Database) -> dict[str, str]:
    """Where the money is now, by kind of account, decimal strings of dollars."""
    sums: dict[str, int] = {}
    with database.reading() as session:
        for name, balance in session.execute(select(LedgerAccount.id, LedgerAccount.balance)):
            first, _, rest = name.partition(":")
            kind = f"{first}:{rest.rpartition(':')[2]}" if first in ("agent", "contrib") else first
            sums[kind] = sums.get(kind, 0) + balance
    return {kind: f"{'-' if micros < 0 else ''}{Money(abs(micros))}" for kind, micros in sorted(sums.items())}


def audited(database: Database) -> list[audit.Figure]:
    """Every invariant of the books with its figure."""
    return audit.books(database, now=clock.now())


def constants() -> dict[str, Any]:
    """The fusion's name, its prior and whether it was learnt, for the chart of findings."""
    used = numbers.calibration()
    return {"name": used.name, "prior": used.prior_genuine, "learnt": used.learnt}
