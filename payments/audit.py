"""The audit: every invariant of the books, by name, with its figure. Run after tests and on the clock.

Each is one query, so it sees one snapshot even in the middle of traffic, and counts what is wrong: a
figure of 0 is what holds. The queries read only tables; they share no code with the writers they judge.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.orm import Session

from core.db import Database, Instant
from core.money import Money
from payments.invariants import ALARMS, BY_QUERY
from payments.rules import OPEN_STATES, account_rule
from payments.tables import Operation

STUCK_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Figure:
    """One invariant: what it says, and how far the books are from it (0 = holds).

    `alarm`: one that the world can break and no fault of the books: a silent provider, money that came from
    nowhere, a market that spent more than it earned. It is told, and a person looks; payouts go on.
    """

    name: str
    says: str
    figure: int
    alarm: bool = False

    @property
    def holds(self) -> bool:
        """Whether the invariant holds."""
        return self.figure == 0

    @property
    def stops(self) -> bool:
        """Whether it says that the books are wrong: then payouts stop."""
        return not self.holds and not self.alarm


def books(database: Database, *, now: datetime) -> list[Figure]:
    """All figures, each from one snapshot of the database."""
    with database.reading() as session:
        return figures(session, now=now)


def figures(session: Session, *, now: datetime) -> list[Figure]:
    """All figures, of what a transaction sees."""
    return [*_by_query(session, now), _chart(session), _hashes(session)]


@dataclass(frozen=True, slots=True)
class InFlight:
    """Open operations of one kind in one state: how many, how much, since when the oldest."""

    kind: str
    status: str
    count: int
    amount: Money
    oldest: datetime


def in_flight(database: Database) -> list[InFlight]:
    """What is between the world and a balance now; an empty list when nothing is. It breaks no invariant."""
    with database.reading() as session:
        rows = session.execute(
            select(
                Operation.kind,
                Operation.status,
                func.count(),
                func.sum(Operation.amount),
                func.min(Operation.created_at),
            )
            .where(Operation.status.in_(sorted(OPEN_STATES)))
            .group_by(Operation.kind, Operation.status)
            .order_by(Operation.kind, Operation.status)
        )
        return [InFlight(kind, status, n, Money(int(sum_)), oldest) for kind, status, n, sum_, oldest in rows]


def _by_query(session: Session, now: datetime) -> list[Figure]:
    found = []
    for name, says, query in BY_QUERY:
        # A colon in an account's name is no bind parameter; the only one there is, is `:stuck`.
        statement = text(re.sub(r":(?!stuck)", r"\\:", query))
        if ":stuck" in query:
            statement = statement.bindparams(bindparam("stuck", now - STUCK_AFTER, type_=Instant()))
        found.append(Figure(name, says, int(session.execute(statement).scalar_one()), name in ALARMS))
    return found


def _chart(session: Session) -> Figure:
    """The one that no query can say: each account's bounds are those of the chart."""
    rows = session.execute(text("SELECT id, kind, floor, ceiling FROM ledger_accounts"))
    wrong = 0
    for row in rows:
        try:
            rule = account_rule(row.id)
        except ValueError:
            wrong += 1  # in no chart
            continue
        wrong += (row.kind, row.floor, row.ceiling) != (rule.kind.value, rule.floor, rule.ceiling)
    return Figure("I5b chart", "every account has the bounds the chart gives it", wrong)


def _hashes(session: Session) -> Figure:
    """The other one: each posting's hash is that of its legs as they stand (see `rules.request_hash`)."""
    rows = session.execute(
        text(
            "SELECT p.key, p.request_hash, t.source, t.target, t.amount FROM ledger_postings p "
            "JOIN ledger_transfers t ON t.posting = p.key ORDER BY p.key, t.leg"
        ).execution_options(yield_per=10_000)
    )
    wrong = 0
    for _, legs in groupby(rows, key=lambda row: row.key):
        digest, said = hashlib.sha256(), ""
        for leg in legs:
            digest.update(f"{leg.source} {leg.target} {leg.amount}\n".encode())
            said = leg.request_hash
        wrong += digest.hexdigest() != said
    return Figure("I2b hashes", "each posting's legs are those it was asked for", wrong)
