"""The ledger on both databases: zero-sum, idempotent, floored, chained, append-only."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from core import errors
from core.db import Base, Database
from core.ids import new_id
from core.money import MAX_MICROS, Money
from payments import ledger, rules
from payments.rules import Leg
from payments.tables import Entry, LedgerPosting, Transfer
from tests.payments.traders import NOW, available, balance, broken, fresh, funded, trader

ONE = Money.parse("1.00")


def leg(source: str, target: str, amount: Money = ONE) -> Leg:
    return Leg(rules.available(source), rules.available(target), amount)


def test_a_posting_moves_both_balances_and_chains_both_accounts(books: Database) -> None:
    a, b = funded(books, Money.parse("5.00")), trader(books)
    with books.transaction() as session:
        posting = ledger.post(session, f"{a}:1", [leg(a, b), leg(b, a, Money(250_000))], now=NOW)
    assert not posting.replayed
    assert (available(books, a), available(books, b)) == (4_250_000, 750_000)
    with books.reading() as session:
        rows = session.execute(
            select(Entry.version, Entry.balance_before, Entry.amount, Entry.balance_after)
            .where(Entry.account == rules.available(b))
            .order_by(Entry.version)
        ).all()
    assert rows == [
        (1, 0, 1_000_000, 1_000_000),
        (2, 1_000_000, -250_000, 750_000),
    ]
    assert broken(books) == []


def test_an_empty_account_pays_nothing(books: Database) -> None:
    a, b = funded(books, Money.parse("0.50")), trader(books)
    with pytest.raises(errors.InsufficientFunds) as caught, books.transaction() as session:
        ledger.post(session, f"{a}:1", [leg(a, b)], now=NOW)
    assert caught.value.facts == {"short": "0.50"}
    assert (available(books, a), available(books, b)) == (500_000, 0)
    assert broken(books) == []


def test_a_shortage_leaves_nothing_behind_even_if_the_caller_goes_on(books: Database) -> None:
    a, b = funded(books, Money.parse("0.50")), trader(books)
    with books.transaction() as session, pytest.raises(errors.InsufficientFunds):
        ledger.post(session, f"{a}:1", [leg(a, b)], now=NOW)
    with books.transaction() as session:
        assert not ledger.post(session, f"{a}:1", [leg(a, b, Money(500_000))], now=NOW).replayed
    assert broken(books) == []


def test_an_escrow_that_runs_dry_is_our_fault_not_the_callers(books: Database) -> None:
    a, hoard = funded(books, ONE), rules.escrow(new_id("esc"))
    with pytest.raises(errors.BooksRefused), books.transaction() as session:
        ledger.post(session, f"{a}:1", [Leg(hoard, rules.available(a), Money(1))], now=NOW)


def test_cash_we_do_not_have_cannot_leave(books: Database) -> None:
    a, b = funded(books, ONE), trader(books)
    elsewhere = f"asset:{a[4:]}"
    with pytest.raises(errors.BooksRefused), books.transaction() as session:
        ledger.post(session, f"{a}:1", [Leg(rules.available(a), elsewhere, ONE)], now=NOW)
    with books.transaction() as session:
        ledger.post(session, f"{a}:2", [Leg(elsewhere, rules.available(b), ONE), leg(b, a)], now=NOW)
    assert balance(books, elsewhere) == -1_000_000


def test_no_balance_outgrows_money(books: Database) -> None:
    a, elsewhere = rules.available(trader(books)), "asset:elsewhere"
    with books.transaction() as session:
        ledger.post(session, f"{a}:1", [Leg(elsewhere, a, Money(MAX_MICROS))], now=NOW)
    with pytest.raises(errors.BooksRefused), books.transaction() as session:
        ledger.post(session, f"{a}:2", [Leg(elsewhere, a, Money(1))], now=NOW)


@pytest.mark.parametrize("micros", [-1, MAX_MICROS + 1])
def test_the_database_itself_keeps_a_balance_in_bounds(books: Database, micros: int) -> None:
    a = funded(books, ONE)
    statement = text("UPDATE ledger_accounts SET balance = :to WHERE id = :id")
    with pytest.raises(IntegrityError), books.transaction() as session:
        session.execute(statement, {"to": micros, "id": rules.available(a)})


def test_the_same_key_posts_once(books: Database) -> None:
    a, b = funded(books, ONE), trader(books)
    for replayed in (False, True, True):
        with books.transaction() as session:
            assert ledger.post(session, f"{a}:1", [leg(a, b)], now=NOW).replayed is replayed
    # The balance is empty by now: a retry is still told of the first posting, not of a lack of money.
    assert (available(books, a), available(books, b)) == (0, 1_000_000)
    assert broken(books) == []


def test_the_same_key_with_other_legs_is_refused(books: Database) -> None:
    a, b = funded(books, ONE), trader(books)
    with books.transaction() as session:
        ledger.post(session, f"{a}:1", [leg(a, b, Money(400_000))], now=NOW)
    for amount in (300_000, 900_000):
        with pytest.raises(errors.IdempotencyConflict), books.transaction() as session:
            ledger.post(session, f"{a}:1", [leg(a, b, Money(amount))], now=NOW)
    assert available(books, b) == 400_000


def test_a_batch_posts_in_order_and_chains(books: Database) -> None:
    a, b, c = funded(books, ONE), trader(books), trader(books)
    ring = [
        (f"{a}:1", [leg(a, b)]),
        (f"{a}:2", [leg(b, c), leg(c, b, Money(1))]),
        (f"{a}:3", [leg(c, a, Money(5))]),
    ]
    with books.transaction() as session:
        assert [made.replayed for made in ledger.post_all(session, ring, now=NOW)] == [False] * 3
    with books.transaction() as session:
        assert [made.replayed for made in ledger.post_all(session, ring[:2], now=NOW)] == [True] * 2
        assert ledger.post_all(session, [], now=NOW) == []
    assert [available(books, account) for account in (a, b, c)] == [5, 1, 999_994]
    assert broken(books) == []


@pytest.mark.parametrize("refused", ["short", "conflict"])
def test_a_batch_is_posted_whole_or_not_at_all(books: Database, refused: str) -> None:
    a, b = funded(books, ONE), trader(books)
    with books.transaction() as session:
        ledger.post(session, f"{a}:0", [leg(a, b, Money(1))], now=NOW)
    last = (f"{a}:9", [leg(a, b)]) if refused == "short" else (f"{a}:0", [leg(a, b, Money(2))])
    error = errors.InsufficientFunds if refused == "short" else errors.IdempotencyConflict
    with books.transaction() as session:
        with pytest.raises(error):
            ledger.post_all(session, [(f"{a}:1", [leg(a, b, Money(10))]), last], now=NOW)
        # The caller may go on: nothing of the batch is there.
        ledger.post(session, f"{a}:2", [leg(a, b, Money(7))], now=NOW)
    assert (available(books, a), available(books, b)) == (999_992, 8)
    assert broken(books) == []


def test_a_refusal_of_the_database_is_a_refusal_of_the_books_and_undoes_everything(books: Database) -> None:
    a, b = funded(books, ONE), trader(books)
    with books.transaction() as session:  # a bound that only the database knows of
        session.execute(
            text("UPDATE ledger_accounts SET floor = 900000 WHERE id = :id"), {"id": rules.available(a)}
        )
    with pytest.raises(errors.BooksRefused), books.transaction() as session:
        ledger.post(session, f"{a}:1", [leg(a, b)], now=NOW)
    with books.transaction() as session, pytest.raises(errors.BooksRefused):
        ledger.post(session, f"{a}:2", [leg(a, b)], now=NOW)
    with books.reading() as session:
        assert session.scalars(select(LedgerPosting.key).where(LedgerPosting.key.like(f"{a}:%"))).all() == []
    assert (available(books, a), available(books, b)) == (1_000_000, 0)
    with books.transaction() as session:
        session.execute(text("UPDATE ledger_accounts SET floor = 0 WHERE floor = 900000"))


def test_a_balance_that_changed_under_the_lock_is_refused(books: Database) -> None:
    a, b = funded(books, ONE), trader(books)
    legs = [leg(a, b)]
    with books.transaction() as session:
        accounts = ledger._lock(session, {rules.available(a), rules.available(b)}, NOW)
        entries = ledger._apply(accounts, f"{a}:1", legs)
        session.execute(
            text("UPDATE ledger_accounts SET version = version + 1 WHERE id = :id"),
            {"id": rules.available(a)},
        )
        with pytest.raises(errors.BooksRefused, match="under its lock"):
            ledger._write(session, accounts, f"{a}:1", legs, entries)


@pytest.mark.parametrize("table", [LedgerPosting, Transfer, Entry])
@pytest.mark.parametrize("statement", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}"])
def test_what_is_in_the_books_stays(books: Database, table: type[Base], statement: str) -> None:
    funded(books, ONE)
    column = "key" if table is LedgerPosting else "posting"
    with pytest.raises(IntegrityError, match="append-only"), books.transaction() as session:
        session.execute(text(statement.format(table.__tablename__, column)))


def test_nor_can_a_whole_table_be_emptied(postgres: Database) -> None:
    with pytest.raises(DBAPIError, match="append-only"), postgres.transaction() as session:
        session.execute(text("TRUNCATE ledger_entries"))


@pytest.mark.parametrize(("key", "count"), [("", 1), ("k" * 201, 1), ("t:1", 0)])
def test_a_posting_has_a_key_and_legs(database: Database, key: str, count: int) -> None:
    a, b = funded(database, ONE), trader(database)
    with pytest.raises(ValueError, match="legs and a key"), database.transaction() as session:
        ledger.post(session, key, [leg(a, b)] * count, now=NOW)


MOVES = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 600_000)), max_size=3),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(moves=MOVES)
def test_any_postings_leave_the_books_as_a_plain_sum_would(
    blank_sqlite: Path,
    moves: list[tuple[int, list[tuple[int, int, int]]]],
) -> None:
    """Against a model of ten lines: a dict of balances and a dict of keys."""
    with fresh(blank_sqlite) as database:
        accounts = [funded(database, ONE), funded(database, ONE), trader(database)]
        model, seen = [1_000_000, 1_000_000, 0], dict[int, list[Leg]]()
        for key, steps in moves:
            legs = [leg(accounts[s], accounts[t], Money(n)) for s, t, n in steps if s != t]
            if not legs:
                continue
            after = list(model)
            for s, t, n in steps:
                if s != t:
                    after[s], after[t] = after[s] - n, after[t] + n
            expected: type[Exception] | None = None
            if key in seen:
                expected = None if seen[key] == legs else errors.IdempotencyConflict
            elif min(after) < 0:
                expected = errors.InsufficientFunds
            else:
                model, seen[key] = after, legs
            try:
                with database.transaction() as session:
                    ledger.post(session, f"t:{key}", legs, now=NOW)
                happened: type[Exception] | None = None
            except errors.SpotcheckError as error:
                happened = type(error)
            assert happened is expected
        assert [available(database, account) for account in accounts] == model
        assert broken(database) == []
