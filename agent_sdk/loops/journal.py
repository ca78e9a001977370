"""An append-only JSONL file with a hash chain: what a loop knew, when, in an order nobody can change later.

Each line is {"seq", "at", "kind", "data", "prev", "hash"}: `prev` is the hash of the line before ("" for
the first), `hash` the SHA-256 of the line's other five as canonical JSON. Publish `journal.head` before a
question resolves, and anybody can later check that the forecast stood before the outcome did.

    with Journal(Path("store-114.jsonl")) as journal:
        journal.append("forecast", {"p": 0.42}, at=datetime.now(UTC))
    entries = read_journal(Path("store-114.jsonl"))      # checks the whole chain

A line is on disk (fsync) before `append` returns. A last line cut short by a crash was never returned: it
is removed on opening. Anything else out of order raises JournalBroken.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TextIO

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from agent_sdk._canonical import fingerprint
from agent_sdk.errors import JournalBroken, StateConflict
from agent_sdk.types import timestamp

try:
    import fcntl
except ImportError:  # Windows: nothing stops a second process there
    fcntl = None  # type: ignore[assignment]


class Entry(BaseModel):
    """One line of a journal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: int
    at: str
    kind: str
    data: dict[str, JsonValue]
    prev: str
    hash: str

    def expected_hash(self) -> str:
        """What `hash` must be."""
        return fingerprint(self.model_dump(exclude={"hash"}))


class Journal:
    """An open journal, held by one process at a time.

    Raises:
        JournalBroken: the file's chain does not hold.
        StateConflict: another process has it open.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file: TextIO = open(path, "a+", encoding="utf-8", newline="\n")  # noqa: SIM115  (closed in close)
        try:
            _hold(self._file, path)
            _drop_torn_line(path)
            self.entries = read_journal(path)
        except BaseException:
            self._file.close()
            raise

    @property
    def head(self) -> str:
        """The last line's hash, which binds every line; "" when empty."""
        return self.entries[-1].hash if self.entries else ""

    def append(self, kind: str, data: Mapping[str, JsonValue], *, at: datetime) -> Entry:
        """Writes one line through to the disk."""
        draft = Entry(
            seq=len(self.entries), at=timestamp(at), kind=kind, data=dict(data), prev=self.head, hash=""
        )
        entry = draft.model_copy(update={"hash": draft.expected_hash()})
        self._file.write(json.dumps(entry.model_dump(), separators=(",", ":"), allow_nan=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.entries.append(entry)
        return entry

    def close(self) -> None:
        """Lets another process have it."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_journal(path: Path) -> list[Entry]:
    """Every entry, the chain checked.

    Raises:
        JournalBroken: a line is malformed, missing, moved or altered; `facts["line"]` counts from 1.
    """
    entries: list[Entry] = []
    prev = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n")[:-1], start=1):
        try:
            entry = Entry.model_validate_json(line)
        except ValidationError as error:
            raise JournalBroken(f"{path} line {number} is not an entry", facts={"line": number}) from error
        if (entry.seq, entry.prev, entry.hash) != (number - 1, prev, entry.expected_hash()):
            raise JournalBroken(f"{path} line {number} does not fit the chain", facts={"line": number})
        entries.append(entry)
        prev = entry.hash
    return entries


def _hold(file: TextIO, path: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise StateConflict(
            f"{path} is open in another process",
            hint="One process runs a loop; wait for it or use another id.",
        ) from error


def _drop_torn_line(path: Path) -> None:
    """Cuts what follows the last newline: a line whose `append` never returned."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
