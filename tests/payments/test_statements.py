"""Statements: every entry once, between two balances that fit, of nobody but the caller."""

from __future__ import annotations

import csv
import io
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, assert_type

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from agent_sdk import Spotcheck, StatementLine
from core import clock, errors
from core.db import Database
from core.money import Money
from payments import disputes, keys, refunds, statement_csv, statements
from payments.statements import OWN, Line
from payments.tables import Entry, Operation
from tests.inside import Inside
from tests.payments.stripe_house import StripeHouse
from tests.payments.traders import NOW, PRICE, broken, fresh, funded, trader
from tests.payments.traffic import MINUTE, Traffic, pay


@pytest.fixture
def inside(database: Database, tmp_path: Path) -> Iterator[Inside]:
    opened = Inside(str(database.engine.url), tmp_path / "home")
    yield opened
    opened.close()


def walk(database: Database, covered: statements.Window, sizes: Iterator[int]) -> list[Line]:
    """All lines of a window, page by page."""
    found: list[Line] = []
    place = covered.opened
    with database.reading() as session:
        while place != covered.closed:
            some, place = statements.lines(session, covered, place, next(sizes))
            assert some
            again = statements.resumed(session, covered, statements.cursor_of(place, covered))
            assert again == (covered, place)
            found += some
    return found


def holds(database: Database, account: str, cuts: list[datetime], seed: int) -> None:
    """Windows from cut to cut: each adds up, line by line; together they are the account's whole book."""
    sizes = random.Random(seed)
    everything: list[Line] = []
    ends = [None, *cuts, None]
    for start, end in pairwise(ends):
        with database.reading() as session:
            covered = statements.window(session, account, start, end)
            opening = statements.balances(session, account, covered.opened)
            closing = statements.balances(session, account, covered.closed)
        lines = walk(database, covered, iter(lambda: sizes.randint(1, 7), 0))
        assert lines == walk(database, covered, iter(lambda: 1000, 0)), "whatever the size of its pages"
        running = dict(opening)
        for line in lines:
            running[line.account] += line.amount
            assert running[line.account] == line.balance
            assert line.what != keys.OTHER
            assert line.reference is not None
        assert running == closing
        everything += lines
    with database.reading() as session:
        rows = session.execute(
            select(Entry.account, Entry.posting, Entry.amount, Entry.balance_after)
            .where(Entry.account.in_([own(account) for own in OWN.values()]))
            .order_by(Entry.account, Entry.version)
        ).all()
    told = defaultdict(list)
    for line in everything:
        told[OWN[line.account](account)].append((line.posting, line.amount, line.balance))
    assert told == {name: [tuple(r)[1:] for r in rows if r.account == name] for name in told}
    assert len(rows) == len(everything)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), steps=st.integers(0, 60), cuts=st.lists(st.integers(-5, 120), max_size=4))
def test_opening_and_lines_are_closing_whatever_happened(
    blank_sqlite: Path, seed: int, steps: int, cuts: list[int]
) -> None:
    with fresh(blank_sqlite) as database:
        traffic = Traffic(database, seed)
        for _ in range(steps):
            traffic.step()
        for account in traffic.accounts:
            holds(database, account, [NOW + cut * MINUTE for cut in sorted(cuts)], seed)
        assert broken(database) == []


def test_the_same_on_postgres(postgres: Database) -> None:
    traffic = Traffic(postgres, seed=7)
    for _ in range(200):
        traffic.step()
    span = traffic.now - NOW
    for account in traffic.accounts:
        holds(postgres, account, [NOW + span * part / 4 for part in range(1, 4)], seed=7)
    assert broken(postgres) == []


def test_what_a_provider_does_has_its_words_too(database: Database) -> None:
    house = StripeHouse(database)
    account = house.paid_in("50.00")
    with database.transaction() as session:
        deposit = session.scalars(select(Operation.id).where(Operation.account == account)).one()
        refunds.request_refund(session, account, deposit, Money.parse("20.00"), now=house.clock())
    [charge] = house.stripe.in_process().v1.charges.list().data
    dispute = house.stripe.dispute(charge.id)
    disputes.sync(database, house.rail, dispute, clock=house.clock)
    with database.reading() as session:
        covered = statements.window(session, account, None, None)
        told = [
            (line.what, line.reference) for line in statements.lines(session, covered, covered.opened, 9)[0]
        ]
    assert [word for word, _ in told] == ["deposit", "withdrawal", "dispute"]
    assert (told[0][1], told[2][1]) == (deposit, dispute)


def test_a_window_is_from_its_first_instant_to_before_its_last(books: Database) -> None:
    account = trader(books)
    for number in range(5):
        pay(books, account, f"test:{account}:{number}", NOW + number * MINUTE)
    with books.reading() as session:
        covered = statements.window(session, account, NOW + MINUTE, NOW + 3 * MINUTE)
        assert [line.posting[-1] for line in statements.lines(session, covered, covered.opened, 9)[0]] == [
            "1",
            "2",
        ]
        empty = statements.window(session, account, NOW + MINUTE, NOW + MINUTE)
        assert statements.lines(session, empty, empty.opened, 9)[0] == []
        with pytest.raises(errors.BadInput):
            statements.window(session, account, NOW + MINUTE, NOW)


def test_a_late_entry_joins_the_next_window_and_never_a_closed_one(books: Database) -> None:
    """Its time was taken before another's that got the account first."""
    account = trader(books)
    for key, at in (("a", NOW), ("b", NOW + 2 * MINUTE), ("late", NOW + MINUTE)):
        pay(books, account, f"test:{account}:{key}", at)
    with books.reading() as session:
        cut = NOW + MINUTE * 1.5
        windows = [statements.window(session, account, *ends) for ends in ((None, cut), (cut, None))]
        told = [statements.lines(session, covered, covered.opened, 9)[0] for covered in windows]
    assert [[line.posting.rpartition(":")[2] for line in lines] for lines in told] == [["a"], ["b", "late"]]


@pytest.mark.parametrize("name", ["from", "to"])
def test_a_statement_is_cut_where_no_entry_may_still_come(inside: Inside, name: str) -> None:
    """Else November, exported at midnight, would miss what midnight's last transaction posts, and so would
    December."""
    secret = inside.key_of(trader(inside.database))
    for ago, status in ((0, 400), (55, 400), (65, 200)):
        at = clock.wire(clock.now() - timedelta(seconds=ago))
        assert inside.send("GET", f"/v1/me/statement?{name}={at}", secret).status_code == status, ago
    assert inside.send("GET", "/v1/me/statement", secret).status_code == 200


def test_the_sdk_walks_the_pages_of_the_real_application(inside: Inside, database: Database) -> None:
    account = trader(database)
    for number in range(5):
        pay(database, account, f"test:{number}", NOW + number * MINUTE, f"{number + 1}.50")
    secret = inside.key_of(account)

    def handle(request: httpx2.Request) -> httpx2.Response:
        answer = inside.send("GET", str(request.url), secret)
        return httpx2.Response(answer.status_code, content=answer.content)

    client = Spotcheck(secret, base_url="http://testserver", transport=httpx2.MockTransport(handle))
    found = list(client.statement(page_size=2))
    assert_type(found, list[StatementLine])
    assert [line.amount for line in found] == [Decimal(f"{number}.50") for number in range(1, 6)]
    assert [line.balance for line in found] == [Decimal(total) for total in ("1.5", "4", "7.5", "12", "17.5")]
    some = list(client.statement(start=NOW + MINUTE, end=NOW + 3 * MINUTE, page_size=1))
    assert [line.posting for line in some] == ["test:1", "test:2"]
    assert (some[0].at, some[0].account, some[0].what) == (NOW + MINUTE, "available", "other")


def test_what_comes_while_somebody_reads_moves_no_page(inside: Inside, database: Database) -> None:
    account = trader(database)
    key = inside.key_of(account)
    for number in range(3):
        pay(database, account, f"test:{number}", NOW + number * MINUTE)
    first = inside.send("GET", "/v1/me/statement?limit=2", key).json()
    pay(database, account, "test:meanwhile", NOW)
    second = inside.send("GET", f"/v1/me/statement?limit=2&after={first['next']}", key).json()
    assert [item["posting"] for item in first["items"] + second["items"]] == ["test:0", "test:1", "test:2"]
    assert (second["next"], second["closing"], second["closing"]["available"]) == (
        None,
        first["closing"],
        "3.00",
    )
    assert inside.send("GET", "/v1/me/statement", key).json()["closing"]["available"] == "4.00"


def test_a_made_up_cursor_ends_where_the_books_end(inside: Inside, database: Database) -> None:
    account = trader(database)
    for number in range(3):
        pay(database, account, f"test:{number}", NOW)
    answer = inside.send("GET", "/v1/me/statement?after=2.7.0.0.99.7.0.0", inside.key_of(account)).json()
    assert [item["posting"] for item in answer["items"]] == ["test:2"]
    assert (answer["next"], answer["closing"]["available"]) == (None, "3.00")


@pytest.mark.parametrize("form", ["json", "csv"])
def test_another_tenants_entries_never_appear(inside: Inside, database: Database, form: str) -> None:
    traffic = Traffic(database, seed=3)
    for _ in range(80):
        traffic.step()
    mine, other = traffic.accounts
    secret = inside.key_of(mine)
    answer = inside.send(
        "GET", f"/v1/me/statement?format={form}" + ("&limit=1000" if form == "json" else ""), secret
    )
    told = answer.text
    with database.reading() as session:
        theirs = session.scalars(select(Entry.posting).where(Entry.account.like(f"%{other}%"))).all()
        ours = set(session.scalars(select(Entry.posting).where(Entry.account.like(f"%{mine}%"))))
    assert len(set(theirs) - ours) > 10
    postings = set(posting_column(told, form))
    assert postings == ours
    assert other not in told
    stranger = inside.send("GET", "/v1/me/statement", inside.key_of(trader(database))).json()
    assert (stranger["items"], stranger["next"], stranger["closing"]["available"]) == ([], None, "0.00")
    # Another's cursor is a place in one's own books, and shows nothing else.
    cursor = "0.0.0.0.9.9.9.9"
    poor = inside.send("GET", f"/v1/me/statement?after={cursor}", inside.key_of(trader(database))).json()
    assert (poor["items"], poor["closing"]["available"]) == ([], "0.00")


def posting_column(told: str, form: str) -> list[str]:
    if form == "csv":
        return [row["posting"] for row in csv.DictReader(io.StringIO(told, newline="")) if row["posting"]]
    return [item["posting"] for item in json.loads(told)["items"]]


def test_the_csv_adds_up_and_is_plain(inside: Inside, database: Database) -> None:
    traffic = Traffic(database, seed=5)
    for _ in range(60):
        traffic.step()
    account = traffic.accounts[0]
    pay(database, account, '=HYPERLINK("http://x","a,b")', traffic.now, "0.000001")
    secret = inside.key_of(account)
    answer = inside.send("GET", "/v1/me/statement", secret, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.endswith("\r\n")
    assert "\n" not in answer.text.replace("\r\n", "")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert tuple(rows[0]) == statement_csv.COLUMNS
    sums: dict[str, int] = defaultdict(int)
    for row in rows:
        assert not [
            cell
            for name, cell in row.items()
            if name not in ("amount", "balance") and cell[:1] in "=+-@" and cell
        ]
        if row["what"] == "closing":
            assert sums[row["account"]] == micros(row["balance"])
        else:
            sums[row["account"]] += micros(row["balance"] if row["what"] == "opening" else row["amount"])
    odd = rows[-5]
    assert (odd["posting"], odd["amount"], odd["what"]) == (
        '\'=HYPERLINK("http://x","a,b")',
        "0.000001",
        "other",
    )
    assert [row["what"] for row in rows[:4] + rows[-4:]] == ["opening"] * 4 + ["closing"] * 4


def micros(decimal: str) -> int:
    return Money.parse(decimal.removeprefix("-")).micros * (-1 if decimal.startswith("-") else 1)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_that_begins_like_a_formula_is_made_harmless(cell: str) -> None:
    assert statement_csv.harmless(cell) == f"'{cell}"
    assert statement_csv.harmless(f"a{cell}") == f"a{cell}"


def test_a_long_csv_is_read_piece_by_piece(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    account = trader(database)
    for number in range(7):
        pay(database, account, f"test:{number}", NOW)
    monkeypatch.setattr(statement_csv, "CHUNK", 2)
    with database.reading() as session:
        covered = statements.window(session, account, None, None)
    pieces = list(statement_csv.rows(database, covered, None, None))
    assert [piece.count("\r\n") for piece in pieces] == [1, 4, 2, 2, 2, 1, 4]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("format=xml", 400), ("from=2026", 400), ("from=2026-11-23", 400), ("to=2026-11-23T12:00:00", 400),
        ("from=0001-01-01T00:00:00%2B14:00", 400), ("from=2026-11-23T12:00:00Z&to=2026-11-22T12:00:00Z", 400),
        ("limit=0", 400), ("limit=1001", 400), ("after=1.2.3", 400), ("after=a.0.0.0.0.0.0.0", 400),
        ("after=0.0.0.0.0.0.0.%D9%A1", 400), ("format=csv&limit=5", 400),
        ("format=csv&after=0.0.0.0.0.0.0.0", 400),
        ("after=999999999999999.0.0.0.999999999999999.0.0.0", 200), ("from=9999-12-31T23:59:59Z", 400),
        ("to=9999-12-31T23:59:59Z", 400),
        ("from=0001-01-01T00:00:00Z&to=0001-01-01T00:00:00Z", 200),
    ],
)  # fmt: skip
def test_odd_questions_get_a_plain_answer(inside: Inside, query: str, status: int) -> None:
    answer = inside.send("GET", f"/v1/me/statement?{query}", inside.key_of(trader(inside.database)))
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("text/csv", "text/csv"), ("Text/CSV; header=present", "text/csv"),
        ("text/html, text/csv", "text/csv"),
        ("application/json, text/csv;q=0.5", "application/json"), ("*/*", "application/json"),
        ("", "application/json"),
        ("text/plain", "application/json"),
    ],
)  # fmt: skip
def test_accept_chooses_the_form(inside: Inside, accept: str, media: str) -> None:
    secret = inside.key_of(trader(inside.database))
    answer = inside.send("GET", "/v1/me/statement", secret, headers={"Accept": accept})
    assert answer.headers["content-type"].split(";")[0] == media
    answer = inside.send("GET", "/v1/me/statement?format=json", secret, headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("key", "word", "thing"),
    [
        ("deposit:ops_{0}:done", "deposit", "ops_{0}"), ("hold:esc_{0}", "hold", "esc_{0}"),
        ("refund:esc_{0}:12", "refund", "esc_{0}"), ("release:esc_{0}:0", "earned", "esc_{0}"),
        ("clawback:esc_{0}:0", "clawback", "esc_{0}"), ("clawback:appeal:cap_{0}", "clawback", "cap_{0}"),
        ("appeal:cap_{0}", "appeal", "cap_{0}"), ("mature:release:esc_{0}:0", "matured", "esc_{0}"),
        ("mature:appeal:cap_{0}", "matured", "cap_{0}"), ("payout:ops_{0}:reserve", "payout", "ops_{0}"),
        ("payout:ops_{0}:done", "paid_out", "ops_{0}"),
        ("payout:ops_{0}:failed", "payout_returned", "ops_{0}"),
        ("reversal:ops_{0}:done", "payout_returned", "ops_{0}"),
        ("refund:ops_{0}:reserve", "withdrawal", "ops_{0}"),
        ("refund:ops_{0}:failed", "withdrawal_returned", "ops_{0}"),
        ("refund:ops_{0}:returned", "withdrawal_returned", "ops_{0}"),
        ("dispute:du_1Qx:open", "dispute", "du_1Qx"),
        ("dispute:du_1Qx:close", "dispute_closed", "du_1Qx"),
        ("deposit:ops_{0}:failed", "other", None), ("hold:esc_{0}:x", "other", None),
        ("hold:", "other", None),
        ("xhold:esc_{0}", "other", None), ("", "other", None), ("hold:esc_{0}\n", "other", None),
    ],
)  # fmt: skip
def test_a_key_says_one_word_and_one_thing(key: str, word: str, thing: str | None) -> None:
    entity = "0123456789abcdefghjkmnpqrs"
    assert keys.meaning(key.format(entity)) == keys.Meaning(word, thing and thing.format(entity))


@pytest.mark.parametrize(
    "query", ["limit=5", f"from={NOW:%Y-%m-%dT%H:%M:%SZ}&to={NOW + MINUTE:%Y-%m-%dT%H:%M:%SZ}", "format=csv"]
)
def test_a_statement_reads_no_more_than_it_shows(inside: Inside, query: str) -> None:
    """By the plan of each of its queries: found by a key, never by looking through everybody's entries."""
    secret = inside.key_of(funded(inside.database, PRICE))
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        asked.append((statement, parameters))

    event.listen(inside.database.engine, "before_cursor_execute", note)
    assert inside.send("GET", f"/v1/me/statement?{query}", secret).status_code == 200
    event.remove(inside.database.engine, "before_cursor_execute", note)
    books = [(sql, parameters) for sql, parameters in asked if "ledger_" in sql]
    assert len(books) >= 3
    with inside.database.engine.connect() as connection:
        for sql, parameters in books:
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters):
                assert not row[3].startswith("SCAN") or row[3] in {
                    "SCAN s",
                    "SCAN seek",
                    "SCAN CONSTANT ROW",
                }, row[3]
