"""An account's statement: every entry of its own ledger accounts, in order of time, between two balances.

The entries of one ledger account are numbered without gaps, each starts where the one before ended, and
none is ever changed. So a place in a statement is four numbers, how many entries of each account came
before it, and everything follows: balances are those of the entries there, what was told is never told
otherwise later, and opening + sum = closing holds however the window was cut.

Time is taken before an account is locked, so two entries made within moments may stand in the books the
other way round. A statement keeps the order of the books, in which the balances add up. For the same reason
a window has no end in the last minute (`SETTLED_AFTER`): an entry of before that end may still be on its way
into the books, and would be in no window.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import bindparam, or_, select, text
from sqlalchemy.orm import Session

from core import clock, errors
from core.db import Instant
from payments import keys, rules
from payments.tables import Entry, Escrow, LedgerAccount, LedgerPosting

OWN: Mapping[str, Callable[[str], str]] = {
    "available": rules.available,
    "pending": rules.pending,
    "payable": rules.payable,
    "in_payout": rules.in_payout,
}
"""An account's own ledger accounts by class. Money in an escrow left `available` and may come back there."""

SETTLED_AFTER = timedelta(minutes=1)  # longer than a posting takes from its time to its commit

Place: TypeAlias = tuple[int, ...]
"""How many entries of each account of OWN, in its order."""
START: Place = (0,) * len(OWN)


@dataclass(frozen=True, slots=True)
class Line:
    """One entry.

    Attributes:
        what: what happened, one word (see `keys`).
        account: the class of ledger account, a key of OWN.
        amount: micros that came (> 0) or went (< 0); `balance` is what that account had then.
        reference: the bounty, capture or operation it was about, where the books know.
        posting: the posting's key.
    """

    at: datetime
    what: str
    account: str
    amount: int
    balance: int
    reference: str | None
    posting: str


@dataclass(frozen=True, slots=True)
class Window:
    """What a statement covers: the entries after `opened`, up to `closed`."""

    account: str
    opened: Place
    closed: Place


def window(session: Session, account: str, start: datetime | None, end: datetime | None) -> Window:
    """The window from `start` (None: the beginning) to before `end` (None: now).

    Windows that meet share no entry and leave none out.

    Raises:
        BadInput: it ends before it starts.
    """
    if start is not None and end is not None and end < start:
        raise errors.BadInput("a statement ends after it starts", field="to")
    opened = _place_at(session, account, start) if start is not None else START
    closed = _place_at(session, account, end) if end is not None else _newest(session, account)
    return Window(account, opened, _later(opened, closed))


def require_settled(*ends: datetime | None, now: datetime) -> None:
    """Refuses an end of a window before which entries may still come.

    Raises:
        BadInput: it is later than a minute ago.
    """
    latest = now - SETTLED_AFTER
    if any(end is not None and end > latest for end in ends):
        raise errors.BadInput(
            "a statement is cut at least a minute ago: later entries may still come before that instant",
            hint="Leave `to` out for everything until now.",
            latest=clock.wire(latest),
        )


def resumed(session: Session, fresh: Window, cursor: str) -> tuple[Window, Place]:
    """The window a cursor of `cursor_of` goes on in, and where in it; both inside what the account has."""
    numbers = tuple(int(number) for number in cursor.split("."))
    after, closed = numbers[: len(OWN)], numbers[len(OWN) :]
    closed = _later(fresh.opened, _earlier(closed, _newest(session, fresh.account)))
    return Window(fresh.account, fresh.opened, closed), _earlier(_later(fresh.opened, after), closed)


def cursor_of(place: Place, covered: Window) -> str:
    """Where the next page begins. It names the window's end too: entries made meanwhile move no page."""
    return ".".join(map(str, (*place, *covered.closed)))


def balances(session: Session, account: str, place: Place) -> dict[str, int]:
    """What each of the account's classes had at a place, in micros."""
    names = {OWN[kind](account): kind for kind in OWN}
    there = [
        (Entry.account == name) & (Entry.version == version)
        for name, version in zip(names, place, strict=True)
    ]
    rows = session.execute(select(Entry.account, Entry.balance_after).where(or_(*there)))
    return dict.fromkeys(OWN, 0) | {names[row.account]: row.balance_after for row in rows}


def lines(session: Session, covered: Window, after: Place, limit: int) -> tuple[list[Line], Place]:
    """At most `limit` lines of a window after a place, and the place behind them.

    The accounts are merged like decks of cards, always the earliest of their next entries: so a page is
    the same wherever the one before it ended.
    """
    decks = [
        _entries(session, kind, covered, done, until, limit)
        for kind, done, until in zip(OWN, after, covered.closed, strict=True)
    ]
    merged = list(heapq.merge(*decks, key=lambda line: line.at))[:limit]
    taken = [sum(line.account == kind for line in merged) for kind in OWN]
    place = tuple(done + more for done, more in zip(after, taken, strict=True))
    return _named(session, merged), place


def _entries(session: Session, kind: str, covered: Window, done: int, until: int, limit: int) -> list[Line]:
    """The next lines of one class, without references."""
    if done >= until:
        return []
    rows = session.execute(
        select(LedgerPosting.posted_at, Entry.amount, Entry.balance_after, Entry.posting)
        .join(LedgerPosting, LedgerPosting.key == Entry.posting)
        .where(Entry.account == OWN[kind](covered.account), Entry.version > done, Entry.version <= until)
        .order_by(Entry.version)
        .limit(limit)
    )
    return [
        Line(at, keys.meaning(posting).word, kind, amount, balance, None, posting)
        for at, amount, balance, posting in rows
    ]


def _named(session: Session, found: Sequence[Line]) -> list[Line]:
    """The lines with what each was about: an escrow's subject stands for the escrow."""
    things = [keys.meaning(line.posting).thing for line in found]
    escrows = {thing for thing in things if thing is not None and thing.startswith("esc_")}
    rows = session.execute(select(Escrow.id, Escrow.subject).where(Escrow.id.in_(escrows)))
    subjects = {row.id: row.subject for row in rows}
    return [
        Line(
            line.at,
            line.what,
            line.account,
            line.amount,
            line.balance,
            subjects.get(thing, thing),
            line.posting,
        )
        if thing is not None
        else line
        for line, thing in zip(found, things, strict=True)
    ]


def _newest(session: Session, account: str) -> Place:
    names = [own(account) for own in OWN.values()]
    rows = session.execute(select(LedgerAccount.id, LedgerAccount.version).where(LedgerAccount.id.in_(names)))
    found = {row.id: row.version for row in rows}
    return tuple(found.get(name, 0) for name in names)


# Finds, for each account, how many entries are before an instant, by halving: forty look-ups by primary
# key however long the history, and no further index. The steps are the same for every instant and every
# length, so a later instant is never given an earlier place, and a past one keeps its place.
_SEEK = text("""
WITH RECURSIVE seek (account, place, step) AS (
    SELECT a.id, CAST(0 AS bigint), CAST(1099511627776 AS bigint) FROM ledger_accounts a WHERE a.id IN :names
    UNION ALL
    SELECT s.account,
           s.place + CASE WHEN EXISTS (
               SELECT 1 FROM ledger_entries e JOIN ledger_postings p ON p.key = e.posting
               WHERE e.account = s.account AND e.version = s.place + s.step AND p.posted_at < :at
           ) THEN s.step ELSE 0 END,
           s.step / 2
    FROM seek s WHERE s.step > 0
)
SELECT account, place FROM seek WHERE step = 0
""").bindparams(bindparam("names", expanding=True), bindparam("at", type_=Instant()))


def _place_at(session: Session, account: str, at: datetime) -> Place:
    names = [own(account) for own in OWN.values()]
    found = {row.account: row.place for row in session.execute(_SEEK, {"names": names, "at": at})}
    return tuple(found.get(name, 0) for name in names)


def _later(one: Place, other: Place) -> Place:
    return tuple(map(max, one, other))


def _earlier(one: Place, other: Place) -> Place:
    return tuple(map(min, one, other))
