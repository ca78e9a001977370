"""The audit: every invariant of the books, by name, with its figure. Run after tests and on the clock.

Each is one query, so it sees one snapshot even in the middle of traffic, and counts what is wrong: a
figure of 0 is what holds. The queries read only tables; they share no code with the writers they judge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.orm import Session

from core.db import Database, Instant
from core.money import Money
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
        return [*_by_query(session, now), _chart(session)]


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
    figures = []
    for name, says, query in _INVARIANTS:
        # A colon in an account's name is no bind parameter; the only one there is, is `:stuck`.
        statement = text(re.sub(r":(?!stuck)", r"\\:", query))
        if ":stuck" in query:
            statement = statement.bindparams(bindparam("stuck", now - STUCK_AFTER, type_=Instant()))
        figures.append(Figure(name, says, int(session.execute(statement).scalar_one()), name in _ALARMS))
    return figures


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


_INVARIANTS: tuple[tuple[str, str, str], ...] = (
    (
        "I1 zero-sum",
        "all balances together are 0 (micros off)",
        "SELECT abs(coalesce(sum(balance), 0)) FROM ledger_accounts",
    ),
    (
        "I2 transfers",
        "each transfer has two entries that mirror it, each posting all its legs",
        """
        SELECT (SELECT count(*) FROM ledger_transfers t WHERE 2 <> (
                    SELECT count(*) FROM ledger_entries e WHERE e.posting = t.posting AND e.leg = t.leg
                    AND ((e.account = t.source AND e.amount = -t.amount)
                      OR (e.account = t.target AND e.amount = t.amount))))
             + (SELECT count(*) FROM ledger_postings p WHERE p.legs <> (
                    SELECT count(*) FROM ledger_transfers t WHERE t.posting = p.key))
             + (SELECT count(*) FROM ledger_entries e WHERE NOT EXISTS (
                    SELECT 1 FROM ledger_transfers t WHERE t.posting = e.posting AND t.leg = e.leg))
        """,
    ),
    (
        "I3 balances",
        "each balance is the sum of its entries",
        """
        SELECT count(*) FROM ledger_accounts a WHERE a.balance <> (
            SELECT coalesce(sum(e.amount), 0) FROM ledger_entries e WHERE e.account = a.id)
        """,
    ),
    (
        "I4 chains",
        "versions have no gap, and each entry starts where the one before ended",
        """
        SELECT (SELECT count(*) FROM ledger_accounts a WHERE a.version <> (
                    SELECT count(*) FROM ledger_entries e WHERE e.account = a.id))
             + (SELECT count(*) FROM (
                    SELECT version, balance_before,
                           row_number() OVER chain AS expected,
                           lag(balance_after, 1, 0) OVER chain AS ended
                    FROM ledger_entries WINDOW chain AS (PARTITION BY account ORDER BY version)) c
                WHERE c.version <> c.expected OR c.balance_before <> c.ended)
             + (SELECT count(*) FROM ledger_entries WHERE balance_after <> balance_before + amount)
        """,
    ),
    (
        "I5 bounds",
        "no account is outside its bounds",
        "SELECT count(*) FROM ledger_accounts WHERE balance < floor OR balance > ceiling",
    ),
    (
        "I6 escrow",
        "each escrow account holds exactly its held slots * (price + fee)",
        """
        SELECT count(*) FROM escrows s
        LEFT JOIN ledger_accounts a ON a.id = 'escrow:' || s.id
        WHERE coalesce(a.balance, -1) <> (s.price + s.fee) * (
            SELECT count(*) FROM escrow_slots k WHERE k.escrow = s.id AND k.state = 'held')
        """,
    ),
    (
        "I7 in = out",
        "what payers put in is what the slots cost; what they got back is what was refunded or clawed back",
        """
        SELECT count(*) FROM escrows s
        WHERE s.slots <> (SELECT count(*) FROM escrow_slots k WHERE k.escrow = s.id)
           OR (SELECT sum(p.amount) FROM escrow_payers p WHERE p.escrow = s.id) IS NULL
           OR (SELECT sum(p.amount) FROM escrow_payers p WHERE p.escrow = s.id) <> (s.price + s.fee) * s.slots
           OR (SELECT sum(p.refunded) FROM escrow_payers p WHERE p.escrow = s.id) <> (s.price + s.fee) * (
                SELECT count(*) FROM escrow_slots k
                WHERE k.escrow = s.id AND k.state IN ('refunded', 'clawed_back'))
        """,
    ),
    (
        "I8 one release",
        "each slot that paid has one posting that paid its price to its contributor, each that was clawed "
        "back one that took it back, and no other slot has either",
        """
        SELECT (SELECT count(*) FROM escrow_slots k JOIN escrows s ON s.id = k.escrow
                WHERE k.state IN ('released', 'clawed_back') AND 1 <> (
                    SELECT count(*) FROM ledger_transfers t
                    WHERE t.posting = 'release:' || k.escrow || ':' || k.slot
                      AND t.source = 'escrow:' || k.escrow AND t.amount = s.price
                      AND t.target IN ('contrib:' || k.contributor || ':pending',
                                       'contrib:' || k.contributor || ':payable')))
             + (SELECT count(*) FROM escrow_slots k JOIN escrows s ON s.id = k.escrow
                WHERE k.state = 'clawed_back' AND 1 <> (
                    SELECT count(*) FROM ledger_transfers t
                    WHERE t.posting = 'clawback:' || k.escrow || ':' || k.slot AND t.amount = s.price
                      AND t.source = 'contrib:' || k.contributor || ':pending'
                      AND t.target = 'escrow:' || k.escrow))
             + abs((SELECT count(*) FROM ledger_postings WHERE key LIKE 'release:%')
                 - (SELECT count(*) FROM escrow_slots WHERE state IN ('released', 'clawed_back')))
             + abs((SELECT count(*) FROM ledger_postings WHERE key LIKE 'clawback:esc%')
                 - (SELECT count(*) FROM escrow_slots WHERE state = 'clawed_back'))
        """,
    ),
    (
        "I8b hold-backs",
        "what is pending is what has neither matured nor been revoked (micros off)",
        """
        SELECT abs((SELECT coalesce(sum(balance), 0) FROM ledger_accounts WHERE id LIKE 'contrib:%:pending')
                 - (SELECT coalesce(sum(amount), 0) FROM maturities
                    WHERE matured_at IS NULL AND revoked_at IS NULL))
        """,
    ),
    (
        "I8c fee parts",
        "each release gave the market its fee less the premium and the reserve the premium, each clawback "
        "took just that back",
        """
        SELECT count(*) FROM (
            SELECT s.fee, s.premium, 'release:' || k.escrow || ':' || k.slot AS posting
            FROM escrow_slots k JOIN escrows s ON s.id = k.escrow WHERE k.state IN ('released', 'clawed_back')
            UNION ALL
            SELECT s.fee, s.premium, 'clawback:' || k.escrow || ':' || k.slot
            FROM escrow_slots k JOIN escrows s ON s.id = k.escrow WHERE k.state = 'clawed_back') paid
        WHERE fee - premium <> (SELECT coalesce(sum(t.amount), 0) FROM ledger_transfers t
                WHERE t.posting = paid.posting AND (t.source LIKE 'rev:fee:%' OR t.target LIKE 'rev:fee:%'))
           OR premium <> (SELECT coalesce(sum(t.amount), 0) FROM ledger_transfers t
                WHERE t.posting = paid.posting AND (t.source LIKE 'reserve:%' OR t.target LIKE 'reserve:%'))
        """,
    ),
    (
        "I9 payouts",
        "what is in payout is what open payouts order (micros off)",
        """
        SELECT abs((SELECT coalesce(sum(balance), 0) FROM ledger_accounts WHERE id LIKE 'contrib:%:in_payout')
                 - (SELECT coalesce(sum(amount), 0) FROM provider_operations
                    WHERE kind = 'payout' AND status IN ('new', 'sent', 'waiting', 'unknown')))
        """,
    ),
    (
        "I10 sandbox bank",
        "ended operations and the bank's book agree, and our cash is what they moved (micros off)",
        """
        SELECT (SELECT count(*) FROM provider_operations o LEFT JOIN sandbox_book b ON b.operation = o.id
                WHERE o.rail = 'sandbox' AND o.status IN ('done', 'failed') AND (b.outcome IS NULL
                   OR b.outcome <> o.status OR b.amount <> o.amount OR b.kind <> o.kind))
             + (SELECT count(*) FROM sandbox_book b LEFT JOIN provider_operations o ON o.id = b.operation
                WHERE o.id IS NULL)
             + abs(coalesce((SELECT balance FROM ledger_accounts WHERE id = 'asset:sandbox'), 0)
                 + coalesce((SELECT sum(CASE kind WHEN 'deposit' THEN amount ELSE -amount END)
                             FROM provider_operations WHERE rail = 'sandbox' AND status = 'done'), 0))
        """,
    ),
    (
        "I12 stuck",
        "no operation has been sent or unknown for over an hour",
        """
        SELECT count(*) FROM provider_operations
        WHERE status IN ('sent', 'unknown') AND sent_at < :stuck
        """,
    ),
    (
        "I10b providers",
        "our cash at a provider is what it says, at one of its last two reconciliations (micros off)",
        """
        SELECT coalesce(sum(micros), 0) FROM (
            SELECT rail, min(abs(difference)) AS micros FROM (
                SELECT rail, difference,
                       row_number() OVER (PARTITION BY rail ORDER BY at DESC, id DESC) AS nth
                FROM reconciliations) r
            WHERE nth <= 2 GROUP BY rail) d
        """,
    ),
    (
        "I11 suspense",
        "no money at a provider waits to be explained (micros)",
        "SELECT coalesce((SELECT abs(balance) FROM ledger_accounts WHERE id = 'suspense'), 0)",
    ),
    (
        "I14 stranded",
        "no payout that its bank refused waits at the provider to be taken back (micros)",
        """
        SELECT coalesce(sum(p.amount), 0) FROM provider_operations p WHERE p.kind = 'payout'
           AND EXISTS (SELECT 1 FROM provider_operations r WHERE r.parent = p.id
                       AND r.kind = 'reversal' AND r.status = 'failed')
           AND NOT EXISTS (SELECT 1 FROM provider_operations r WHERE r.parent = p.id
                           AND r.kind = 'reversal' AND r.status = 'done')
        """,
    ),
    (
        "I13 covered",
        "what is owed to others is not more than our cash and what is owed to us (micros short)",
        """
        SELECT CASE WHEN sum(balance) > 0 THEN sum(balance) ELSE 0 END
        FROM ledger_accounts WHERE kind IN ('liability', 'asset')
        """,
    ),
)
_ALARMS = frozenset({"I11 suspense", "I12 stuck", "I13 covered", "I14 stranded"})
