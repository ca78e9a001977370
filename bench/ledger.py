"""How fast the books are: `ledger.post` against bare SQL that does the least a ledger must, same run.

    python -m bench.ledger [--quick] [--json PATH]

Peer: two balance updates, one transfer row, one commit, by psycopg, without keys, entries, chains or
checks. Printed, on a real Postgres (embedded, fsync on): post / peer with one client; eight clients on
accounts of their own / one client; eight clients that all pay one account (the market's fee) / eight
on their own; and the same posting on SQLite.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from bench import report
from core.db import Database
from core.ids import new_id
from core.money import Money
from market.migrate import migrate
from payments import ledger, rules
from payments.rules import Leg
from tests.servers import Postgres

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CLIENTS = 8


def rate(work: Callable[[int], None], count: int, clients: int = 1) -> float:
    """Calls a second of `work(client)`, `count` in all, spread over the clients."""
    started = time.perf_counter()

    def one(client: int) -> None:
        for _ in range(count // clients):
            work(client)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(one, range(clients)))
    return count // clients * clients / (time.perf_counter() - started)


def poster(database: Database, hot: bool) -> Callable[[int], None]:
    """One posting: a client's escrow to its contributor, and the fee to the one fee account or its own."""
    pairs = [(new_id("esc"), new_id("acc"), new_id("acc")) for _ in range(CLIENTS)]
    with database.transaction() as session:
        for escrow, account, _ in pairs:
            rich = Leg("asset:bench", rules.escrow(escrow), Money(10**12))
            ledger.post(session, f"fund:{account}", [rich], now=NOW)

    def post(client: int) -> None:
        escrow, account, other = pairs[client]
        fees = rules.REVENUE_FEE if hot else rules.payable(other)
        source = rules.escrow(escrow)
        legs = [Leg(source, rules.payable(account), Money(10)), Leg(source, fees, Money(1))]
        with database.transaction() as session:
            ledger.post(session, new_id("trf"), legs, now=NOW)

    return post


def peer(url: str) -> Callable[[int], None]:
    """The bare SQL, on one connection."""
    connection = psycopg.connect(url.replace("+psycopg", ""))
    with connection:
        connection.execute("CREATE TABLE bare (id int PRIMARY KEY, balance bigint)")
        connection.execute("CREATE TABLE bare_transfers (id bigserial PRIMARY KEY, a int, b int, n bigint)")
        connection.execute("INSERT INTO bare VALUES (0, 0), (1, 0)")
    connection = psycopg.connect(url.replace("+psycopg", ""))

    def transfer(_client: int) -> None:
        connection.execute("UPDATE bare SET balance = balance - 1 WHERE id = 0")
        connection.execute("UPDATE bare SET balance = balance + 1 WHERE id = 1")
        connection.execute("INSERT INTO bare_transfers (a, b, n) VALUES (0, 1, 1)")
        connection.commit()

    return transfer


def measure(folder: Path, count: int, rounds: int) -> list[tuple[float, ...]]:
    """Rates of one round after another: bare SQL, post, eight clients, eight on one account, SQLite."""
    server = Postgres(folder, fsync=True)
    url = server.new_database()
    database = Database(url, pool_size=CLIENTS)
    migrate(f"sqlite:///{folder}/books.db")
    lite = Database(f"sqlite:///{folder}/books.db")
    own, hot, small, bare = poster(database, False), poster(database, True), poster(lite, True), peer(url)
    made: list[tuple[float, ...]] = [
        (rate(bare, count), rate(own, count), rate(own, count, 8), rate(hot, count, 8), rate(small, count))
        for _ in range(rounds)
    ]
    database.dispose()
    lite.dispose()
    server.stop()
    return made


def main(given: Sequence[str] | None = None) -> int:
    """Runs the benchmark; every round measures all paths, so that ratios are of the same minute."""
    chosen = report.arguments(__doc__).parse_args(given)
    with tempfile.TemporaryDirectory(prefix="spotcheck-bench-") as folder:
        Path(folder).chmod(0o755)  # Postgres runs as a user of its own
        rounds = measure(Path(folder), 120 if chosen.quick else 400, 3 if chosen.quick else 9)
    bare, one, many, hot, lite = (list(values) for values in zip(*rounds, strict=True))
    ratio = [hot_rate / own_rate for hot_rate, own_rate in zip(hot, many, strict=True)]
    rows = [
        report.of_samples("bare SQL, one client", bare, unit="postings/s"),
        report.of_samples("ledger.post, one client", one, unit="postings/s"),
        report.of_samples("ledger.post / bare SQL", [a / b for a, b in zip(one, bare, strict=True)]),
        report.of_samples("ledger.post, eight clients", many, unit="postings/s"),
        report.of_samples("one hot account / accounts of their own", ratio),
        report.of_samples("ledger.post on SQLite", lite, unit="postings/s"),
    ]
    return report.finish("ledger: posting against the least a ledger must do", rows, chosen.json)


if __name__ == "__main__":
    sys.exit(main())
