"""Whether the log is whole: what is said about damage, before anything more is signed."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from core import log
from core.db import Database
from core.log import LogTile
from tests.core.test_log import add, numbered, sequence


def size(database: Database) -> int | None:
    with database.reading() as session:
        head = log.check(session)
        return head.size if head else None


def test_a_log_that_is_whole_says_its_size(database: Database) -> None:
    assert size(database) is None
    for upto in (0, 1, 255, 256, 257, 700):
        add(database, *numbered(upto - (size(database) or 0), size(database) or 0))
        sequence(database)
        assert size(database) == upto


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize(
    "hashes", [bytes(64), bytes(32 * 44), bytes(32 * 100)], ids=["short", "wrong", "long"]
)
def test_a_damaged_tile_is_told(database: Database, level: int, hashes: bytes) -> None:
    add(database, *numbered(300))
    sequence(database)
    if level == 1:
        hashes = hashes if len(hashes) == 64 else bytes(32)
    with database.transaction() as session:
        last = (LogTile.level == level) & (LogTile.tile_index == 1 - level)
        session.execute(update(LogTile).where(last).values(hashes=hashes))
    with pytest.raises(log.LogBroken):
        size(database)


def test_a_checkpoint_signed_meanwhile_is_no_damage(
    postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(postgres, *numbered(3))
    sequence(postgres)
    last, more = log._last, [2]

    def slow(session: Session, level: int, count: int) -> LogTile | None:
        if more:
            add(postgres, *numbered(more.pop(), 3))
            monkeypatch.setattr(log, "_last", last)
            sequence(postgres)
        return last(session, level, count)

    monkeypatch.setattr(log, "_last", slow)
    assert size(postgres) == 5
