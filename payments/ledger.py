"""The books. `post` is the only writer of balances; the database guarantees what it promises.

A posting is a key and its legs. Its accounts are locked in the order of their ids, so that two
postings can never wait for each other; the key makes a retry find the first posting. On Postgres all
of it is one call (`posting_function.py`). On SQLite it is the statements below; writers are serial there
(BEGIN IMMEDIATE) and the locks are no-ops.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import errors
from core.db import insert_once
from core.money import MAX_MICROS, Money
from payments import posting_function, rules
from payments.rules import Leg
from payments.tables import Entry, LedgerAccount, LedgerPosting, Transfer


@dataclass(frozen=True, slots=True)
class Posting:
    """A posting that is in the books. `replayed`: it was there before this call."""

    key: str
    posted_at: datetime
    replayed: bool


@dataclass(slots=True)
class _Account:
    """A locked account while a posting passes through it."""

    id: str
    balance: int
    version: int
    was: int


def post(session: Session, key: str, legs: Sequence[Leg], *, now: datetime) -> Posting:
    """Puts a posting in the books, all its legs or none, once per key.

    Args:
        key: says what happened, such as `release:esc_…:0`; 1..200 characters.
        legs: at least one, in order. Accounts are opened on demand by the chart in `rules`.

    Returns:
        This posting, or the first one under the same key and legs.

    Raises:
        IdempotencyConflict: the key is in the books with other legs.
        InsufficientFunds: a spendable balance has less than the legs need.
        BooksRefused: another bound would be broken, or the database refused. An SQL conflict is never
            reported as a lack of money; deadlock and serialization errors pass through untouched.
        ValueError: no legs, or a key out of range.
    """
    return post_all(session, [(key, legs)], now=now)[0]


def post_all(
    session: Session, postings: Sequence[tuple[str, Sequence[Leg]]], *, now: datetime
) -> list[Posting]:
    """Puts several postings in the books, in order, all of them or none; each as `post` does.

    The accounts of all are locked together at the start. A hundred cost little more than one commit.

    Raises:
        As `post`, for the first posting that cannot be made; the others are not made either.
    """
    for key, legs in postings:
        if not legs or not 0 < len(key) <= 200:
            raise ValueError("a posting has legs and a key of 1..200 characters")
    if not postings:
        return []
    at_once = _post_by_function if session.get_bind().dialect.name == "postgresql" else _post_by_statements
    if len(postings) == 1:
        return at_once(session, postings, now)
    with session.begin_nested():  # a refusal in the middle takes back what came before it
        return at_once(session, postings, now)


def _post_by_function(
    session: Session, postings: Sequence[tuple[str, Sequence[Leg]]], now: datetime
) -> list[Posting]:
    """Postgres: one round trip."""
    try:
        rows = session.connection().execute(_CALL, _arguments(postings, now)).all()
    except IntegrityError as error:
        session.rollback()
        raise errors.BooksRefused("the books refused this posting", key=postings[0][0]) from error
    return [_made(row, key, legs, now) for row, (key, legs) in zip(rows, postings, strict=True)]


_CALL = text(posting_function.CALL)


def _arguments(postings: Sequence[tuple[str, Sequence[Leg]]], now: datetime) -> dict[str, Any]:
    flat = [leg for _, legs in postings for leg in legs]
    names = sorted({name for leg in flat for name in (leg.source, leg.target)})
    place = {name: number for number, name in enumerate(names, 1)}
    chart = [rules.account_rule(name) for name in names]
    return {
        "at": now,
        "keys": [key for key, _ in postings],
        "hashes": [rules.request_hash(legs) for _, legs in postings],
        "counts": _array(len(legs) for _, legs in postings),
        "sources": _array(place[leg.source] for leg in flat),
        "targets": _array(place[leg.target] for leg in flat),
        "amounts": _array(leg.amount.micros for leg in flat),
        "names": _array(names),
        "kinds": _array(rule.kind.value for rule in chart),
        "floors": _array(rule.floor for rule in chart),
        "ceilings": _array(rule.ceiling for rule in chart),
    }


def _array(values: Iterable[object]) -> str:
    """A Postgres array as text: numbers and names of the chart need no quotes, and joining them costs a
    tenth of what the driver takes to find out each list's type."""
    return "{" + ",".join(map(str, values)) + "}"


def _made(row: Row[Any], key: str, legs: Sequence[Leg], now: datetime) -> Posting:
    """What the function said of one posting, as `post` says it."""
    if row.outcome == "posted":
        return Posting(key, now, replayed=False)
    if row.outcome == "found":
        return _same(key, legs, row.found_hash, row.found_at)
    if row.off_by is None:
        raise errors.BooksRefused("a posting under this key appeared and vanished", key=key)
    raise _out_of_bounds(row.account, int(row.off_by))


def _post_by_statements(
    session: Session, postings: Sequence[tuple[str, Sequence[Leg]]], now: datetime
) -> list[Posting]:
    """SQLite: statement by statement."""
    names = {name for _, legs in postings for leg in legs for name in (leg.source, leg.target)}
    accounts = _lock(session, names, now)
    return [_post_one(session, accounts, key, legs, now) for key, legs in postings]


def _post_one(
    session: Session, accounts: dict[str, _Account], key: str, legs: Sequence[Leg], now: datetime
) -> Posting:
    touched = {name: accounts[name] for leg in legs for name in (leg.source, leg.target)}
    before = {name: replace(account) for name, account in touched.items()}
    entries = _apply(touched, key, legs)
    shortage = _shortage(touched.values())
    header = {"key": key, "request_hash": rules.request_hash(legs), "legs": len(legs), "posted_at": now}
    if shortage is None and insert_once(session, LedgerPosting, header, ["key"]):
        _write(session, touched, key, legs, entries)
        return Posting(key, now, replayed=False)
    accounts.update(before)
    # Of a shortage too: the first posting under this key may be what emptied the account.
    found = _find(session, key, legs)
    if found is None:
        raise shortage or errors.BooksRefused("a posting under this key appeared and vanished", key=key)
    return found


def balance(session: Session, name: str) -> int:
    """An account's balance in micros, credit-positive, all its parts together; 0 when it was never used."""
    return sum(balances(session, rules.parts(name)).values())


def balances(session: Session, names: Iterable[str]) -> dict[str, int]:
    """Several balances in micros; accounts never used are 0."""
    wanted = list(names)
    rows = session.execute(
        select(LedgerAccount.id, LedgerAccount.balance).where(LedgerAccount.id.in_(wanted))
    )
    return dict.fromkeys(wanted, 0) | {row.id: row.balance for row in rows}


def _lock(session: Session, names: set[str], now: datetime) -> dict[str, _Account]:
    """Opens what is missing, then locks all of them in the order of their ids.

    Opening comes first: a lock held while waiting for somebody else's new account could close a circle.
    """
    known = set(session.scalars(select(LedgerAccount.id).where(LedgerAccount.id.in_(names))))
    for name in sorted(names - known):
        rule = rules.account_rule(name)
        row = {"id": name, "kind": rule.kind.value, "floor": rule.floor, "ceiling": rule.ceiling}
        insert_once(session, LedgerAccount, row | {"balance": 0, "version": 0, "opened_at": now}, ["id"])
    rows = session.execute(
        select(LedgerAccount.id, LedgerAccount.balance, LedgerAccount.version)
        .where(LedgerAccount.id.in_(names))
        .order_by(LedgerAccount.id)
        .with_for_update()
    )
    return {row.id: _Account(row.id, row.balance, row.version, row.version) for row in rows}


def _apply(accounts: dict[str, _Account], key: str, legs: Sequence[Leg]) -> list[dict[str, Any]]:
    """Moves the legs through the locked accounts; gives the entries, two a leg."""
    entries = []
    for number, leg in enumerate(legs):
        for name, amount in ((leg.source, -leg.amount.micros), (leg.target, leg.amount.micros)):
            account = accounts[name]
            before = account.balance
            account.balance += amount
            account.version += 1
            entries.append(
                {
                    "account": name,
                    "version": account.version,
                    "posting": key,
                    "leg": number,
                    "amount": amount,
                    "balance_before": before,
                    "balance_after": account.balance,
                }
            )
    return entries


def _shortage(accounts: Iterable[_Account]) -> errors.SpotcheckError | None:
    """The error to raise when an account would end outside its bounds."""
    for account in accounts:
        rule = rules.account_rule(account.id)
        off_by = min(0, account.balance - rule.floor) + max(0, account.balance - rule.ceiling)
        if off_by:
            return _out_of_bounds(account.id, off_by)
    return None


def _out_of_bounds(name: str, off_by: int) -> errors.SpotcheckError:
    """The owner's lack of money, or a guarantee of ours; `off_by` is negative under the floor."""
    rule = rules.account_rule(name)
    if rule.spendable and off_by < 0:
        short = Money(min(-off_by, MAX_MICROS))
        return errors.InsufficientFunds(f"{short} USD short", short=str(short))
    return errors.BooksRefused("an account would leave its bounds", account_class=rule.kind.value)


def _find(session: Session, key: str, legs: Sequence[Leg]) -> Posting | None:
    """The posting under this key, if it is this posting."""
    row = session.execute(
        select(LedgerPosting.request_hash, LedgerPosting.posted_at).where(LedgerPosting.key == key)
    ).one_or_none()
    return None if row is None else _same(key, legs, row.request_hash, row.posted_at)


def _same(key: str, legs: Sequence[Leg], found_hash: str, found_at: datetime) -> Posting:
    if found_hash != rules.request_hash(legs):
        raise errors.IdempotencyConflict("this posting key is in the books with other legs", key=key)
    return Posting(key, found_at, replayed=True)


_SET_BALANCE = (
    update(LedgerAccount.__table__)  # type: ignore[arg-type]  # a Table, typed as FromClause
    .where(LedgerAccount.id == bindparam("account"), LedgerAccount.version == bindparam("was"))
    .values(balance=bindparam("to_balance"), version=bindparam("to_version"))
)


def _write(
    session: Session,
    accounts: dict[str, _Account],
    key: str,
    legs: Sequence[Leg],
    entries: list[dict[str, Any]],
) -> None:
    """Writes balances, transfers and entries.

    On a refusal everything this transaction did is undone at once (SQLite would keep the part before
    the refusal if a caller went on), and the caller's transaction is over.
    """
    changes = [
        {"account": a.id, "was": a.was, "to_balance": a.balance, "to_version": a.version}
        for a in accounts.values()
    ]
    transfers = [
        {"posting": key, "leg": n, "source": leg.source, "target": leg.target, "amount": leg.amount.micros}
        for n, leg in enumerate(legs)
    ]
    try:
        changed = session.connection().execute(_SET_BALANCE, changes).rowcount
        if changed == len(changes):
            session.execute(insert(Transfer), transfers)
            session.execute(insert(Entry), entries)
    except IntegrityError as error:
        session.rollback()
        raise errors.BooksRefused("the books refused this posting", key=key) from error
    if changed != len(changes):
        session.rollback()
        raise errors.BooksRefused("an account changed under its lock", key=key)
    for account in accounts.values():
        account.was = account.version
