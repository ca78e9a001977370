"""The transparency log: an append-only list of opaque leaves that anyone can audit.

`append` puts a leaf in the caller's own commit, so a thing is logged exactly when it happened. A task
calls `sequence`, which gives leaves the next gapless indices, extends the tiles of the Merkle tree
(c2sp.org/tlog-tiles: 256 hashes wide, immutable once full) and signs a checkpoint. Proofs are read
from tiles, in O(log n) rows. Nothing here knows what a leaf means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, func, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import merkle
from core.db import Base, Big
from core.errors import BadInput, NotFound
from core.note import BadNote, Checkpoint, Signer, open_note

MAX_LEAF_BYTES = 65_535  # an entry bundle writes lengths in 16 bits
TILE_WIDTH = 256
_TILE_HEIGHT = 8
_TILE_BYTES = TILE_WIDTH * merkle.HASH_SIZE
_MAX_LEVEL = 63
_LAST_BUNDLE = (2**63 - 1) // TILE_WIDTH  # beyond it a leaf's index is no number of the database's
_SEQUENCER_LOCK = 0x73706F745F6C6F67  # one Postgres advisory lock for this log


class LogBroken(Exception):
    """The stored tiles contradict the stored size: nothing more may be signed until a person has looked."""


class LogLeaf(Base):
    """One entry. `leaf_index` is null until sequenced, and never changes after."""

    __tablename__ = "log_leaves"
    __table_args__ = (
        CheckConstraint("leaf_index >= 0", name="index_not_negative"),
        CheckConstraint("length(leaf_hash) = 32", name="hash_size"),
        Index(
            "ix_log_leaves_unsequenced",
            "id",
            postgresql_where=text("leaf_index IS NULL"),
            sqlite_where=text("leaf_index IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=True)
    leaf_index: Mapped[int | None] = mapped_column(Big, unique=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary)
    inserted_at: Mapped[datetime]


class LogTile(Base):
    """Up to 256 hashes of one tree level, side by side; only the last of a level may be short."""

    __tablename__ = "log_tiles"
    __table_args__ = (
        CheckConstraint(
            "length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0", name="whole_hashes"
        ),
    )

    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tile_index: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)


class LogCheckpoint(Base):
    """A signed tree head. One per size: the log never says two things about one size."""

    __tablename__ = "log_checkpoints"
    __table_args__ = (CheckConstraint("size >= 0 AND length(root) = 32", name="tree_head"),)

    size: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=False)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Inclusion:
    """What proves a leaf: its index in the tree, the sibling hashes up to the root (lowest first), and the
    signed checkpoint with that root (`note`, the exact text a verifier opens)."""

    index: int
    path: list[bytes]
    note: str


def append(session: Session, data: bytes, *, now: datetime) -> int:
    """Adds an entry (1..65,535 bytes) in the caller's transaction; it is sequenced later.

    Returns:
        The leaf's id, by which `inclusion` finds it (not its index in the tree).

    Raises:
        ValueError: empty or too long.
    """
    if not 1 <= len(data) <= MAX_LEAF_BYTES:
        raise ValueError(f"a leaf has 1..{MAX_LEAF_BYTES} bytes")
    leaf = LogLeaf(data=data, leaf_hash=merkle.leaf_hash(data), inserted_at=now)
    session.add(leaf)
    session.flush()
    return leaf.id


def sequence(session: Session, signer: Signer, *, now: datetime, limit: int = 10_000) -> Checkpoint | None:
    """Gives up to `limit` waiting leaves the next indices, in insertion order, and signs the new tree head.

    Sequencers take turns: on Postgres by an advisory lock held to the end of the transaction, on SQLite
    because a transaction that writes is alone. The unique index of `leaf_index` backs this up.

    Returns:
        The new checkpoint, or None when no leaf waited. The first call ever signs the empty tree too.

    Raises:
        LogBroken: stored tiles do not fit the last checkpoint.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_SEQUENCER_LOCK)))
    head = latest(session)
    waiting = session.execute(
        select(LogLeaf.id, LogLeaf.leaf_hash)
        .where(LogLeaf.leaf_index.is_(None))
        .order_by(LogLeaf.id)
        .limit(limit)
    ).all()
    if head is not None and not waiting:
        return None
    size = head.size if head else 0
    if waiting:
        rows = [{"id": row.id, "leaf_index": size + place} for place, row in enumerate(waiting)]
        session.execute(update(LogLeaf), rows)
        _extend(session, size, [row.leaf_hash for row in waiting])
        size += len(waiting)
    return _sign(session, signer, head, size, now)


def waits(session: Session) -> bool:
    """Whether `sequence` has something to do: a leaf without an index, or no checkpoint yet."""
    unsequenced = select(LogLeaf.id).where(LogLeaf.leaf_index.is_(None)).limit(1)
    return latest(session) is None or session.scalar(unsequenced) is not None


def latest(session: Session) -> LogCheckpoint | None:
    """The newest signed tree head; None before the first `sequence`."""
    return session.scalars(select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1)).first()


def check(session: Session) -> LogCheckpoint | None:
    """The newest signed tree head, having read that the stored tiles still give it (a few rows).

    Raises:
        LogBroken: they do not, so that `sequence` will refuse to sign on.
    """
    head = latest(session)
    try:
        if head is not None:
            _check_tiles(session, head)
    except LogBroken:
        # On Postgres each read sees what is committed by then: a checkpoint signed between two is no damage.
        now = latest(session)
        if now is None or head is None or now.size == head.size:
            raise
        return check(session)
    return head


def _check_tiles(session: Session, head: LogCheckpoint) -> None:
    level = 0
    while count := head.size >> _TILE_HEIGHT * level:
        _last(session, level, count)
        level += 1
    if merkle.root(_Tiles(session), head.size) != head.root:
        raise LogBroken(f"the stored tiles do not give the signed root of {head.size} leaves")


def inclusion(session: Session, leaf_id: int) -> Inclusion | None:
    """The proof that a leaf is under the newest checkpoint; None while it waits to be sequenced.

    Raises:
        NotFound: no leaf has this id.
    """
    leaf = session.get(LogLeaf, leaf_id, populate_existing=True)
    if leaf is None:
        raise NotFound("no log leaf by that id")
    head = latest(session)
    if leaf.leaf_index is None or head is None:
        return None
    path = merkle.inclusion_proof(_Tiles(session), leaf.leaf_index, head.size)
    return Inclusion(leaf.leaf_index, path, head.note)


def consistency(session: Session, old: int, new: int) -> list[bytes]:
    """The proof that the tree of `old` leaves is a prefix of the tree of `new` leaves.

    Raises:
        BadInput: not 0 <= old <= new <= size of the newest checkpoint.
    """
    head = latest(session)
    size = head.size if head else 0
    if not 0 <= old <= new <= size:
        raise BadInput("sizes must be 0 <= old <= new <= the log's size", size=size)
    return merkle.consistency_proof(_Tiles(session), old, new)


def tile(session: Session, level: int, index: int, width: int = TILE_WIDTH) -> bytes:
    """The first `width` (1..256) hashes of a tile, 32 bytes each; what is served never changes.

    Raises:
        NotFound: the log has no such tile, or not yet that wide.
    """
    stored = None
    if 0 <= level <= _MAX_LEVEL and 0 <= index < 2**63 and 1 <= width <= TILE_WIDTH:
        stored = _stored(session, level, index)
    if stored is None or len(stored) < width * merkle.HASH_SIZE:
        raise NotFound("the log has no such tile", hint="Fetch /log/checkpoint and ask within its size.")
    return stored[: width * merkle.HASH_SIZE]


def entries(session: Session, index: int, width: int = TILE_WIDTH) -> bytes:
    """An entry bundle: leaves 256 * index onwards, `width` of them, each after its big-endian 16-bit length.

    Raises:
        NotFound: the log does not hold all of them yet.
    """
    rows: Sequence[bytes] = ()
    if 0 <= index <= _LAST_BUNDLE and 1 <= width <= TILE_WIDTH:
        first = index * TILE_WIDTH
        within = LogLeaf.leaf_index.between(first, first + width - 1)
        rows = session.scalars(select(LogLeaf.data).where(within).order_by(LogLeaf.leaf_index)).all()
    if len(rows) < width or not rows:
        raise NotFound("the log has no such entries", hint="Fetch /log/checkpoint and ask within its size.")
    return b"".join(len(data).to_bytes(2, "big") + data for data in rows)


class _Tiles:
    """Reads subtree hashes out of stored tiles, each tile at most once. See `merkle.Nodes`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._read: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        tile_level, rise = divmod(level, _TILE_HEIGHT)
        tile_index, first = divmod(index << rise, TILE_WIDTH)
        row = _hashes(self._load(tile_level, tile_index))[first : first + (1 << rise)]
        if len(row) != 1 << rise:
            raise LogBroken(f"tile {tile_level}/{tile_index} is shorter than the checkpoint says")
        return merkle.perfect_root(row)

    def _load(self, level: int, index: int) -> bytes:
        if (level, index) not in self._read:
            self._read[level, index] = _stored(self._session, level, index) or b""
        return self._read[level, index]


def _stored(session: Session, level: int, index: int) -> bytes | None:
    return session.scalar(select(LogTile.hashes).filter_by(level=level, tile_index=index))


def _hashes(row: bytes) -> list[bytes]:
    return [row[at : at + merkle.HASH_SIZE] for at in range(0, len(row), merkle.HASH_SIZE)]


def _extend(session: Session, size: int, new: list[bytes]) -> None:
    """Appends leaf hashes to level 0 of a tree of `size` leaves, and the roots of filled tiles above."""
    level = 0
    while new:
        new = _extend_level(session, level, size >> _TILE_HEIGHT * level, new)
        level += 1


def _extend_level(session: Session, level: int, count: int, new: list[bytes]) -> list[bytes]:
    """Appends hashes to a level that holds `count`; returns the roots of the tiles this filled."""
    index, last = count // TILE_WIDTH, _last(session, level, count)
    stream = (last.hashes if last else b"") + b"".join(new)
    filled: list[bytes] = []
    for at in range(0, len(stream), _TILE_BYTES):
        chunk = stream[at : at + _TILE_BYTES]
        if last is not None and at == 0:
            last.hashes = chunk
        else:
            session.add(LogTile(level=level, tile_index=index + at // _TILE_BYTES, hashes=chunk))
        if len(chunk) == _TILE_BYTES:
            filled.append(merkle.perfect_root(_hashes(chunk)))
    session.flush()
    return filled


def _last(session: Session, level: int, count: int) -> LogTile | None:
    """The tile that the next hash of a level of `count` goes into; None when it would be a new one."""
    index, width = divmod(count, TILE_WIDTH)
    last = session.get(LogTile, (level, index), populate_existing=True)
    if len(last.hashes if last else b"") != width * merkle.HASH_SIZE:
        raise LogBroken(f"tile {level}/{index} does not end where the checkpoint says")
    return last


def _check_signer(head: LogCheckpoint, signer: Signer) -> None:
    try:
        open_note(head.note, signer.verifier)
    except BadNote as error:
        raise LogBroken(f"the head of {head.size} leaves is signed by another key than this one") from error


def _sign(
    session: Session, signer: Signer, head: LogCheckpoint | None, size: int, now: datetime
) -> Checkpoint:
    """Signs the head of a tree of `size`, having shown itself that it extends the last one."""
    tiles = _Tiles(session)
    root = merkle.root(tiles, size)
    if head is not None:
        _check_signer(head, signer)
        proof = merkle.consistency_proof(tiles, head.size, size)
        if not merkle.verify_consistency(head.size, size, head.root, root, proof):
            raise LogBroken(f"the tree of {size} leaves does not extend the signed one of {head.size}")
    checkpoint = Checkpoint(signer.name, size, root)
    note = signer.sign(checkpoint.text)
    session.add(LogCheckpoint(size=size, root=root, note=note, signed_at=now))
    session.flush()
    return checkpoint
