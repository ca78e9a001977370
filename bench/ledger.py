"""How fast the books are, on a real Postgres (fsync on), each figure beside its peer in the same run.

    python -m bench.ledger [--quick] [--json PATH]

`ledger.post` through SQLAlchemy against pgbench driving the same statements, with one client and with
eight (in two processes, as pgbench drives eight from two threads: one Python process keeps to one
core); our posting function against a ledger of pgledger's shape, both driven by pgbench, one leg each;
eight clients that all pay one account (the market's fee) against eight on accounts of their own; ten
postings a commit against one; and the same posting on SQLite. A posting has two legs: a price and a fee.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor as Workers
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

import psycopg

from bench.peers import pgbench, pgledger_shape
from core import figures, processes
from core.db import Database
from core.ids import new_id
from core.money import Money
from market.migrate import migrate
from payments import ledger, rules
from payments.rules import Leg
from tests.servers import Postgres

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CLIENTS = 8
PROCESSES = 2
BATCH = 10
Name = Callable[[int], str]


def _id(prefix: str, client: int) -> str:
    return f"{prefix}_{client:026d}"


def _escrow(client: int) -> str:
    return rules.escrow(_id("esc", client))


def _worker(client: int) -> str:
    return rules.payable(_id("acc", client))


def _own_fee(client: int) -> str:
    return rules.payable(_id("acc", client + 100))


def _hot_fee(_client: int) -> str:
    return f"{rules.REVENUE_FEE}:0"


def fund(database: Database) -> None:
    """Gives each client's escrow enough for any run."""
    with database.transaction() as session:
        for client in range(CLIENTS):
            rich = Leg("asset:bench", _escrow(client), Money(10**14))
            ledger.post(session, f"fund:{client}", [rich], now=NOW)


def legs(client: int, fee: Name) -> list[Leg]:
    """A price to the contributor and a fee."""
    source = _escrow(client)
    return [Leg(source, _worker(client), Money(10)), Leg(source, fee(client), Money(1))]


def post(database: Database, client: int, fee: Name = _own_fee, batch: int = 1) -> None:
    """One commit of `batch` postings."""
    made = [(new_id("trf"), legs(client, fee)) for _ in range(batch)]
    with database.transaction() as session:
        ledger.post_all(session, made, now=NOW)


@dataclass(frozen=True)
class Load:
    """What each client does again and again: one commit of `batch` postings; `hot`: fees to one account."""

    hot: bool = False
    batch: int = 1


def rate(load: Load, url: str, seconds: float, clients: range) -> tuple[int, list[float]]:
    """Commits of threads, one a client, that go on for `seconds`: how many, and how long each took."""
    fee = _hot_fee if load.hot else _own_fee
    books = _books(url)

    def one(client: int) -> list[float]:
        took = []
        until = time.perf_counter() + seconds
        while (started := time.perf_counter()) < until:
            post(books, client, fee, load.batch)
            took.append(time.perf_counter() - started)
        return took

    with ThreadPoolExecutor(len(clients)) as threads:
        took = [each for client in threads.map(one, clients) for each in client]
    return len(took), took


@cache
def _books(url: str) -> Database:
    """One pool a process and database."""
    return Database(url, pool_size=CLIENTS)


def script(pairs: Sequence[tuple[str, str, int]]) -> str:
    """The posting function as pgbench calls it: what `ledger.post` sends, with keys that sort by time."""
    names = sorted({name for source, target, _ in pairs for name in (source, target)})
    chart = [rules.account_rule(name.replace("CLIENT", "0" * 26)) for name in names]

    def array(values: Sequence[object], kind: str) -> str:
        return f"ARRAY[{', '.join(str(value) for value in values)}]::{kind}[]"

    def named(name: str) -> str:
        # pgbench takes every colon, in quotes too, for the start of a variable.
        spelt = name.replace(":", "@").replace("CLIENT", "' || lpad((:client_id)::text, 26, '0') || '")
        return f"translate('{spelt}', '@', chr(58))"

    return (
        "BEGIN;\n"
        "SELECT outcome, found_hash, found_at, account, off_by FROM spotcheck_post(now(), "
        "ARRAY['b_' || uuidv7()], ARRAY['" + "0" * 64 + "'], " + array([len(pairs)], "int") + ", "
        + array([names.index(source) + 1 for source, _, _ in pairs], "int") + ", "
        + array([names.index(target) + 1 for _, target, _ in pairs], "int") + ", "
        + array([amount for _, _, amount in pairs], "bigint") + ", "
        + array([named(name) for name in names], "text") + ", "
        + array([f"'{rule.kind.value}'" for rule in chart], "text") + ", "
        + array([rule.floor for rule in chart], "bigint") + ", "
        + array([rule.ceiling for rule in chart], "bigint") + ");\n"
        "COMMIT;\n"
    )  # fmt: skip


_TWO_LEGS = script(
    [
        ("escrow:esc_CLIENT", "contrib:acc_CLIENT:payable", 10),
        ("escrow:esc_CLIENT", "agent:acc_CLIENT:available", 1),
    ]
)
_ONE_LEG = script([("escrow:esc_CLIENT", "contrib:acc_CLIENT:payable", 1)])


@dataclass
class Samples:
    """What each round measured: rates a second, one a round, and the time of every single call."""

    rates: dict[str, list[float]] = field(default_factory=dict)
    took: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Notes one round's rate."""
        self.rates.setdefault(name, []).append(value)

    def run(self, name: str, load: Load, url: str, seconds: float, workers: Workers | None = None) -> None:
        """Measures a Python path for one round: by one client here, or by eight in the two `workers`."""
        if workers is None:
            done = [rate(load, url, seconds, range(1))]
        else:
            shares = [
                range(first, first + CLIENTS // PROCESSES)
                for first in range(0, CLIENTS, CLIENTS // PROCESSES)
            ]
            done = list(workers.map(partial(rate, load, url, seconds), shares))
        self.add(name, sum(count for count, _ in done) / seconds)
        self.took.setdefault(name, []).extend(took for _, each in done for took in each)

    def ratio(self, above: str, below: str, times: float = 1.0) -> list[float]:
        """Round by round."""
        return [times * a / b for a, b in zip(self.rates[above], self.rates[below], strict=True)]


def measure(folder: Path, seconds: float, rounds: int) -> Samples:
    """All paths, one after another, round after round."""
    server = Postgres(folder, fsync=True)
    url = server.new_database()
    lite = f"sqlite:///{folder}/books.db"
    migrate(lite)
    fund(_books(url))
    fund(_books(lite))
    plain = url.replace("+psycopg", "")
    with psycopg.connect(plain) as connection:
        for statement in (pgledger_shape.SCHEMA, pgledger_shape.FUNCTION, pgledger_shape.ACCOUNTS):
            connection.execute(statement)
    samples = Samples()
    with processes.pool(PROCESSES) as workers:
        Samples().run("imports and connections", Load(), url, 0.2, workers)
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
            one_round(samples, url, lite, seconds, workers)
    _books(url).dispose()
    _books(lite).dispose()
    server.stop()
    return samples


def one_round(samples: Samples, url: str, lite: str, seconds: float, workers: Workers) -> None:
    """Each path once."""
    plain = url.replace("+psycopg", "")
    for clients, hands in ((1, None), (CLIENTS, workers)):
        samples.run(f"ours {clients}", Load(), url, seconds, hands)
        for name, script in (
            ("pgbench", _TWO_LEGS),
            ("one leg", _ONE_LEG),
            ("pgledger", pgledger_shape.TRANSFER),
        ):
            samples.add(f"{name} {clients}", pgbench.rate(plain, script, clients=clients, seconds=seconds))
    samples.run("hot", Load(hot=True), url, seconds, workers)
    samples.run("batch", Load(batch=BATCH), url, seconds)
    samples.run("lite", Load(), lite, seconds)


def rows(samples: Samples) -> list[figures.Row]:
    """The table: rates for orientation, ratios for the bars."""
    made = []
    for clients in (1, CLIENTS):
        who = "one client" if clients == 1 else "eight clients"
        ours, milli = f"ours {clients}", [1000 * took for took in samples.took[f"ours {clients}"]]
        made += [
            figures.of_samples(f"ledger.post, {who}", samples.rates[ours], unit="postings/s"),
            figures.of_quantile(f"  one commit, p50, {who}", milli, 0.5, unit="ms"),
            figures.of_quantile(f"  one commit, p99, {who}", milli, 0.99, unit="ms"),
            figures.of_samples(
                f"ledger.post / pgbench, same statements, {who}",
                samples.ratio(ours, f"pgbench {clients}"),
                bar=">= 0.5",
            ),
            figures.of_samples(
                f"our function / pgledger's shape, pgbench, {who}",
                samples.ratio(f"one leg {clients}", f"pgledger {clients}"),
                bar=">= 1.0",
            ),
        ]
    return [
        *made,
        figures.of_samples(
            "one hot account / accounts of their own, eight",
            samples.ratio("hot", f"ours {CLIENTS}"),
            bar=">= 0.5",
        ),
        figures.of_samples(
            f"{BATCH} postings a commit / one a commit", samples.ratio("batch", "ours 1", BATCH), bar=">= 3"
        ),
        figures.of_samples("ledger.post on SQLite", samples.rates["lite"], unit="postings/s"),
    ]


def main(given: Sequence[str] | None = None) -> int:
    """Runs the benchmark; every round measures all paths, so that ratios are of the same minute."""
    chosen = figures.arguments(__doc__).parse_args(given)
    with tempfile.TemporaryDirectory(prefix="spotcheck-bench-") as folder:
        Path(folder).chmod(0o755)  # Postgres runs as a user of its own
        samples = measure(Path(folder), 1.0 if chosen.quick else 3.0, 6 if chosen.quick else 12)
    return figures.finish("ledger: posting beside its limit and its peer", rows(samples), chosen.json)


if __name__ == "__main__":
    sys.exit(main())
