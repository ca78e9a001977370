"""A statement as CSV (RFC 4180), made while it is sent: a long history is never held in memory.

A cell of text that a spreadsheet would take for a formula gets an apostrophe in front. Amounts are plain
decimals, the minus of a debit included: they are for adding up.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from core import clock
from core.db import Database
from core.money import Money
from payments import statements
from payments.statements import Line, Window

COLUMNS = ("time", "what", "account", "amount", "balance", "reference", "posting")
CHUNK = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def signed(micros: int) -> str:
    """Micros as decimal dollars, with a minus when they went: "-0.50"."""
    return f"{'-' if micros < 0 else ''}{Money(abs(micros))}"


def harmless(cell: str) -> str:
    """Text that no spreadsheet runs as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def rows(database: Database, covered: Window, start: datetime | None, end: datetime | None) -> Iterator[str]:
    """The CSV, piece by piece: the opening balance of each account, the lines, the closing balances.

    Each piece is read in a transaction of its own: a slow reader holds none open. What a window covers is
    never changed, so the pieces fit.
    """
    yield _written([COLUMNS])
    with database.reading() as session:
        opening = statements.balances(session, covered.account, covered.opened)
        closing = statements.balances(session, covered.account, covered.closed)
    yield _written(_balances("opening", start, opening))
    place = covered.opened
    while place != covered.closed:
        with database.reading() as session:
            found, place = statements.lines(session, covered, place, CHUNK)
        yield _written(_cells(line) for line in found)
    yield _written(_balances("closing", end, closing))


def _balances(what: str, at: datetime | None, found: Mapping[str, int]) -> Iterator[Sequence[str]]:
    time = clock.wire(at) if at is not None else ""
    return ((time, what, kind, "", signed(micros), "", "") for kind, micros in found.items())


def _cells(line: Line) -> Sequence[str]:
    return (
        clock.wire(line.at),
        harmless(line.what),
        harmless(line.account),
        signed(line.amount),
        signed(line.balance),
        harmless(line.reference or ""),
        harmless(line.posting),
    )


def _written(cells: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(cells)
    return out.getvalue()
