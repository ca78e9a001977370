"""The log on real databases: gapless order, tiles as specified, proofs a stranger can check."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from starlette.testclient import TestClient

from core import log, merkle
from core.db import Database
from core.errors import BadInput, NotFound, SpotcheckError
from core.log import LogCheckpoint, LogLeaf, LogTile
from core.log_routes import log_router
from core.note import Checkpoint, Signer, open_note

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
SIGNER = Signer("log.example/one", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
C2SP_SIZE = 70_000  # the example of c2sp.org/tlog-tiles


def add(database: Database, *entries: bytes) -> list[int]:
    with database.transaction() as session:
        return [log.append(session, entry, now=NOW) for entry in entries]


def sequence(database: Database, limit: int = 10_000) -> Checkpoint | None:
    with database.transaction() as session:
        return log.sequence(session, SIGNER, now=NOW, limit=limit)


def numbered(count: int, start: int = 0) -> list[bytes]:
    return [b"entry %d" % n for n in range(start, start + count)]


def fill(database: Database, count: int) -> None:
    """Adds many leaves fast and sequences them all."""
    rows = [{"data": d, "leaf_hash": merkle.leaf_hash(d), "inserted_at": NOW} for d in numbered(count)]
    with database.transaction() as session:
        session.execute(insert(LogLeaf), rows)
    while sequence(database) is not None:
        pass


def empty(database: Database) -> None:
    with database.transaction() as session:
        for table in (LogLeaf, LogTile, LogCheckpoint):
            session.execute(delete(table))


def naive_root(entries: Sequence[bytes]) -> bytes:
    """The tree hash by its recursive definition, over raw entries."""
    if len(entries) < 2:
        return merkle.leaf_hash(entries[0]) if entries else merkle.EMPTY_ROOT
    cut = 1 << (len(entries) - 1).bit_length() - 1
    return merkle.node_hash(naive_root(entries[:cut]), naive_root(entries[cut:]))


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Every SQL statement sent while the block runs."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory, blank_sqlite: Path) -> Iterator[Database]:
    """A log of 70,000 leaves."""
    path = tmp_path_factory.mktemp("big") / "log.db"
    path.write_bytes(blank_sqlite.read_bytes())
    database = Database(f"sqlite:///{path}")
    fill(database, C2SP_SIZE)
    yield database
    database.dispose()


def test_a_leaf_is_logged_only_with_its_transaction(database: Database) -> None:
    with suppress(InterruptedError), database.transaction() as session:
        log.append(session, b"never happened", now=NOW)
        raise InterruptedError
    add(database, b"happened")
    checkpoint = sequence(database)
    assert checkpoint == Checkpoint(SIGNER.name, 1, merkle.leaf_hash(b"happened"))


def test_leaves_wait_until_sequenced_then_prove(database: Database) -> None:
    first, second = add(database, b"a", b"b")
    with database.reading() as session:
        assert log.inclusion(session, first) is None
    sequence(database)
    with database.reading() as session:
        shown = log.inclusion(session, second)
    assert shown is not None
    assert shown.index == 1
    head = Checkpoint.parse(open_note(shown.note, SIGNER.verifier))
    assert (head.origin, head.size) == ("log.example/one", 2)
    assert merkle.verify_inclusion(1, 2, merkle.leaf_hash(b"b"), shown.path, head.root)


def test_the_empty_log_is_signed_once(database: Database) -> None:
    assert sequence(database) == Checkpoint(SIGNER.name, 0, merkle.EMPTY_ROOT)
    assert sequence(database) is None


def test_a_limit_takes_the_earliest_first(database: Database) -> None:
    ids = add(database, *numbered(5))
    sequence(database, limit=2)
    with database.reading() as session:
        indices = [session.get_one(LogLeaf, leaf).leaf_index for leaf in ids]
    assert indices == [0, 1, None, None, None]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.integers(0, 700), min_size=1, max_size=5), data=st.data())
def test_any_batching_gives_the_naive_tree(
    database: Database, batches: list[int], data: st.DataObject
) -> None:
    """However leaves are batched over tile edges, roots and proofs are those of the plain list."""
    empty(database)
    entries: list[bytes] = []
    ids: list[int] = []
    heads: list[Checkpoint] = []
    for batch in batches:
        new = numbered(batch, len(entries))
        entries += new
        ids += add(database, *new)
        if (head := sequence(database)) is not None:
            heads.append(head)
    assert [head.root for head in heads] == [naive_root(entries[: head.size]) for head in heads]
    old, new_head = sorted(data.draw(st.tuples(*[st.sampled_from(heads)] * 2)), key=lambda head: head.size)
    with database.reading() as session:
        proof = log.consistency(session, old.size, new_head.size)
        assert merkle.verify_consistency(old.size, new_head.size, old.root, new_head.root, proof)
        if entries:
            index = data.draw(st.integers(0, len(entries) - 1))
            shown = log.inclusion(session, ids[index])
            assert shown is not None
            assert shown.index == index
            leaf = merkle.leaf_hash(entries[index])
            assert merkle.verify_inclusion(index, len(entries), leaf, shown.path, heads[-1].root)


def test_the_tiles_of_seventy_thousand_leaves(big: Database) -> None:
    """273 full tiles and one of 112 at level 0, one full and one of 17 at level 1, one of 1 at level 2."""
    with big.reading() as session:
        rows = session.execute(select(LogTile.level, LogTile.tile_index, func.length(LogTile.hashes))).all()
        width = {(level, index): size // 32 for level, index, size in rows}
        top = log.tile(session, 2, 0, 1)
        full = log.tile(session, 1, 0)
    assert width == {
        **{(0, n): 256 for n in range(273)},
        (0, 273): 112,
        (1, 0): 256,
        (1, 1): 17,
        (2, 0): 1,
    }
    assert top == naive_root(numbered(65_536))
    assert full[:32] == naive_root(numbered(256))


def test_proofs_read_tiles_not_leaves(big: Database) -> None:
    """With 70,000 leaves a proof costs at most two tiles a level, and one row of the leaf table."""
    with big.reading() as session, statements(big) as seen:
        for leaf_id in (1, 35_001, 65_536, 70_000):
            log.inclusion(session, leaf_id)
    leaf_reads = [s for s in seen if "log_leaves" in s]
    assert len(leaf_reads) == 4
    assert len(seen) - 4 <= 4 * (1 + 5)
    with big.reading() as session, statements(big) as seen:
        log.consistency(session, 12_345, C2SP_SIZE)
    assert len(seen) <= 1 + 5
    assert not any("log_leaves" in s for s in seen)


def test_every_signed_head_extends_every_earlier_one(big: Database) -> None:
    with big.reading() as session:
        heads = session.scalars(select(LogCheckpoint).order_by(LogCheckpoint.size)).all()
        assert [head.size for head in heads] == list(range(10_000, C2SP_SIZE + 1, 10_000))
        for old in heads:
            proof = log.consistency(session, old.size, heads[-1].size)
            head = heads[-1]
            assert merkle.verify_consistency(old.size, head.size, old.root, head.root, proof)


def test_a_served_tile_never_changes(database: Database) -> None:
    add(database, *numbered(10))
    sequence(database)
    with database.reading() as session:
        early = log.tile(session, 0, 0, 10)
    add(database, *numbered(300, 10))
    sequence(database)
    with database.reading() as session:
        assert log.tile(session, 0, 0, 10) == early == log.tile(session, 0, 0)[:320]


@pytest.mark.parametrize(
    "place",
    [
        (0, 0, 11),
        (0, 0, 256),
        (0, 1, 1),
        (1, 0, 1),
        (0, 0, 0),
        (64, 0, 1),
        (-1, 0, 1),
        (0, -1, 1),
        (0, 2**63, 1),
    ],
)
def test_tiles_that_are_not_there(database: Database, place: tuple[int, int, int]) -> None:
    add(database, *numbered(10))
    sequence(database)
    with database.reading() as session, pytest.raises(NotFound):
        log.tile(session, *place)


def test_entry_bundles_hold_the_leaves(database: Database) -> None:
    add(database, b"one", b"three" * 100, b"unsequenced")
    sequence(database, limit=2)
    with database.reading() as session:
        assert log.entries(session, 0, 2) == b"\x00\x03one\x01\xf4" + b"three" * 100
        for index, width in ((0, 3), (0, 256), (1, 1), (0, 0), (-1, 1), (2**55, 1), (2**63, 1)):
            with pytest.raises(NotFound):
                log.entries(session, index, width)


@pytest.mark.parametrize("data", [b"", bytes(65_536)], ids=["empty", "too long"])
def test_leaves_of_a_wrong_size_are_refused(database: Database, data: bytes) -> None:
    with database.transaction() as session, pytest.raises(ValueError, match="65535"):
        log.append(session, data, now=NOW)


@pytest.mark.parametrize(("old", "new"), [(-1, 2), (2, 1), (0, 4)])
def test_no_consistency_beyond_the_signed_log(database: Database, old: int, new: int) -> None:
    add(database, *numbered(3))
    sequence(database)
    with database.reading() as session, pytest.raises(BadInput):
        log.consistency(session, old, new)


def test_the_database_refuses_one_index_twice(database: Database) -> None:
    add(database, b"a", b"b")
    sequence(database)
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.execute(update(LogLeaf).where(LogLeaf.leaf_index == 1).values(leaf_index=0))


def test_nothing_is_signed_over_a_damaged_tile(database: Database) -> None:
    add(database, *numbered(3))
    sequence(database)
    with database.transaction() as session:
        session.execute(update(LogTile).values(hashes=bytes(96)))
    add(database, b"next")
    with pytest.raises(log.LogBroken, match="does not extend"):
        sequence(database)
    with database.transaction() as session:
        session.execute(update(LogTile).values(hashes=bytes(64)))
    with pytest.raises(log.LogBroken, match="does not end"):
        sequence(database)


def test_an_unknown_leaf_is_not_found(database: Database) -> None:
    with database.reading() as session, pytest.raises(NotFound):
        log.inclusion(session, 99)


def race(database: Database, writers: int, each: int, sequencers: int) -> None:
    """Threads that append while others sequence; returns when all leaves are sequenced."""
    failures: list[BaseException] = []
    gate = threading.Barrier(writers + sequencers)
    writing = threading.Event()

    def write(number: int) -> None:
        for n in range(each):
            add(database, b"%d/%d" % (number, n))

    def drain() -> None:
        while not writing.is_set():
            sequence(database, limit=7)
        while sequence(database, limit=7) is not None:
            pass

    def guarded(work: Callable[[], None]) -> None:
        try:
            gate.wait()
            work()
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=guarded, args=(lambda n=n: write(n),)) for n in range(writers)]
    drains = [threading.Thread(target=guarded, args=(drain,)) for _ in range(sequencers)]
    for thread in [*threads, *drains]:
        thread.start()
    for thread in threads:
        thread.join()
    writing.set()
    for thread in drains:
        thread.join()
    assert failures == []


def assert_gapless(database: Database, count: int) -> None:
    with database.reading() as session:
        rows = session.execute(select(LogLeaf.leaf_index, LogLeaf.data).order_by(LogLeaf.leaf_index)).all()
        head = log.latest(session)
        assert head is not None
        assert (head.size, head.root) == (count, naive_root([row.data for row in rows]))
    assert [row.leaf_index for row in rows] == list(range(count))


def test_two_sequencers_never_give_one_index_twice(postgres: Database) -> None:
    race(postgres, writers=4, each=40, sequencers=2)
    assert_gapless(postgres, 160)


def test_two_sequencers_on_sqlite(database: Database) -> None:
    race(database, writers=2, each=20, sequencers=2)
    assert_gapless(database, 40)


@pytest.fixture
def reader(database: Database) -> Iterator[TestClient]:
    """The reading room over a log of 300 leaves."""
    app = FastAPI()
    app.include_router(log_router(database, SIGNER.verifier.vkey))

    @app.exception_handler(SpotcheckError)
    def answer(_request: Request, error: SpotcheckError) -> JSONResponse:
        return JSONResponse(error.problem("req"), status_code=error.status)

    add(database, *numbered(300))
    sequence(database)
    with TestClient(app) as client:
        yield client


def test_a_stranger_audits_the_log_over_http(reader: TestClient) -> None:
    """From the published key alone: checkpoint, tiles, the root they give, and the entries below them."""
    vkey = reader.get("/log/key").text.strip()
    note = reader.get("/log/checkpoint")
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    head = Checkpoint.parse(open_note(note.text, SIGNER.verifier))
    assert (vkey, head.size) == (SIGNER.verifier.vkey, 300)
    full, rest = reader.get("/log/tile/0/000"), reader.get("/log/tile/0/001.p/44")
    assert full.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert full.headers["content-type"] == "application/octet-stream"
    found = [body[at : at + 32] for body in (full.content, rest.content) for at in range(0, len(body), 32)]
    assert found == [merkle.leaf_hash(entry) for entry in numbered(300)]
    assert reader.get("/log/tile/1/000.p/1").content == naive_root(numbered(256))
    assert reader.get("/log/tile/entries/001.p/1").content == b"\x00\x09entry 256"
    assert naive_root(numbered(300)) == head.root


def test_consistency_over_http(reader: TestClient, database: Database) -> None:
    add(database, *numbered(5, 300))
    sequence(database)
    body = reader.get("/log/consistency", params={"old": 300, "new": 305}).json()
    proof = [base64.b64decode(node) for node in body["proof"]]
    roots = naive_root(numbered(300)), naive_root(numbered(305))
    assert merkle.verify_consistency(300, 305, *roots, proof)
    assert reader.get("/log/consistency", params={"old": 300, "new": 306}).status_code == 400
    assert reader.get("/log/consistency", params={"old": -1, "new": 3}).status_code == 422


# 18 digits are all that six groups hold: as a tile's index they fit 64 bits, as an entry's they do not.
@pytest.mark.parametrize("path", [
    "0/0", "0/1000", "0/x000/000", "0/002", "0/000.p/0", "0/000.p/256", "0/000.p/044", "0/001.p/45", "00/000",
    "64/000", "x/000", "entries/009", "entries/x100/x000/x000/x000/x000/000",
    "entries/x999/x999/x999/x999/x999/999.p/255", "0/x999/x999/x999/x999/x999/999", "0/%2e%2e/%2e%2e/key",
])  # fmt: skip
def test_paths_that_name_no_tile(reader: TestClient, path: str) -> None:
    assert reader.get(f"/log/tile/{path}").status_code == 404


def test_before_anything_is_signed(database: Database) -> None:
    with database.reading() as session:
        assert log.latest(session) is None
        assert log.consistency(session, 0, 0) == []
