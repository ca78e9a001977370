"""The verifier as it judges a market's capture, for one context at a time.

A memory of its own for each context: what came before is exactly what the context says.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from core.db import Base, Database
from core.storage import Storage
from verification.case import Tools
from verification.context import Context, Earlier
from verification.engine import Engine
from verification.evidence import Evidence, Report
from verification.memory import PictureMemory
from verification.picture import Decoder, Undecodable
from verification.pipeline import examine
from verification.reading import Reader
from verification.redteam.authorities import trust


class Judge:
    """The real checks, nets and policy; a context manager that holds the sandboxed decoder."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._engine, self._reader, self._trust = Engine("cpu"), Reader(), trust()
        self._folder = tempfile.TemporaryDirectory(prefix="spotcheck-redteam-")

    def __enter__(self) -> Judge:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._decoder.close()
        self._folder.cleanup()

    def examine(self, context: Context) -> Report:
        """The report a market would reach that had seen just this context's memory."""
        database = Database("sqlite://")
        try:
            Base.metadata.create_all(database.engine)
            storage = Storage(Path(self._folder.name).as_uri(), bytes(32))
            memory = PictureMemory(database, storage, self._engine)
            for order, earlier in enumerate(context.memory, 1):
                self._remember(memory, _past(context.evidence, earlier, order))
            evidence = replace(context.evidence, order=len(context.memory) + 1)
            self._remember(memory, evidence)
            return examine(evidence, Tools(self._decoder, memory, self._engine, self._reader, self._trust))
        finally:
            database.dispose()

    def _remember(self, memory: PictureMemory, evidence: Evidence) -> None:
        """As the worker does: what cannot be decoded is remembered by its bytes."""
        try:
            picture = self._decoder.open(evidence.media)
        except Undecodable:
            picture = None
        memory.remember(evidence, picture)


def _past(now: Evidence, earlier: Earlier, order: int) -> Evidence:
    """An earlier capture's evidence, as far as a memory keeps it."""
    where = {"lat": earlier.spot.lat, "lon": earlier.spot.lon} if earlier.spot else {}
    at = earlier.captured_at or now.session.issued_at
    session = replace(
        now.session, account=earlier.account, statement=json.dumps(where), committed_at=at, submitted_at=at
    )
    return replace(
        now,
        capture=f"cap_{order:026d}",
        order=order,
        terms=replace(now.terms, bounty=f"bty_{order:026d}"),
        session=session,
        media=earlier.media,
        media_sha256=hashlib.sha256(earlier.media).hexdigest(),
        burst=None,
    )
