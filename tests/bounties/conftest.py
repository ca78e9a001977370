"""A desk at which captures are remembered and judged, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bounties import tasks
from core.db import Database
from core.storage import Storage
from tests.bounties import scene
from tests.bounties.desk import Desk
from tests.fakes.seeing import BlindEngine
from verification.case import Tools
from verification.evidence import Evidence, Report, Verdict
from verification.memory import PictureMemory
from verification.picture import Decoder
from verification.reading import Reader
from verification.trust import TrustList


@pytest.fixture(params=["database", "postgres"])
def either(request: pytest.FixtureRequest) -> Database:
    """Both databases: what is a row's lock in the one is the whole file's in the other."""
    opened: Database = request.getfixturevalue(request.param)
    return opened


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    with Decoder() as opened:
        yield opened


@pytest.fixture
def desk(either: Database, decoder: Decoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    storage, engine = Storage(f"file://{tmp_path / 'storage'}", bytes(32)), BlindEngine()
    memory = PictureMemory(either, storage, engine)
    made = Desk(
        either, storage, Tools(decoder, memory, engine, Reader(engine), TrustList.load(tmp_path / "trust"))
    )
    load = tasks.load_evidence

    def counted(database: Database, storage: Storage, capture: str) -> Evidence:
        made.opened.append(capture)
        return load(database, storage, capture)

    def accepted(evidence: Evidence, _: Tools) -> Report:
        return scene.report(evidence.capture, Verdict.ACCEPT)

    monkeypatch.setattr(tasks, "load_evidence", counted)
    monkeypatch.setattr(tasks, "examine", accepted)
    return made
