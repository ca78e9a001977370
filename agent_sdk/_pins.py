"""What this machine remembers of logs: the last checkpoint seen of each, and keys pinned on first use.

A log that forks its history can fool whoever forgets; a file that outlives the process does not.
Files are replaced atomically, under a lock where the platform has one, and never go back: of two
processes the larger tree stays. Who keeps a checkpoint says against which one it was checked: if another was
kept meanwhile, nothing is kept and it has to be checked anew, or a fork could hide between two examinations.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Protocol

from agent_sdk._note import Checkpoint, LogKey, open_checkpoint

try:
    import fcntl
except ImportError:  # Windows: the atomic replace alone
    fcntl = None  # type: ignore[assignment]


class CheckpointMemory(Protocol):
    """Keeps the newest verified checkpoint of each log."""

    def last(self, key: LogKey) -> Checkpoint | None:
        """The checkpoint kept for the log of this key, or None."""

    def keep(self, key: LogKey, checkpoint: Checkpoint, since: Checkpoint | None) -> bool:
        """Keeps a verified checkpoint that is consistent with `since`, if it is the larger one.

        False, and nothing is kept, where `since` is not what is kept (any more).
        """


class RamMemory:
    """Forgets at exit: for tests, and for programs that check one receipt and leave."""

    def __init__(self) -> None:
        self._kept: dict[str, Checkpoint] = {}
        self._lock = Lock()

    def last(self, key: LogKey) -> Checkpoint | None:
        """See `CheckpointMemory`."""
        return self._kept.get(key.vkey)

    def keep(self, key: LogKey, checkpoint: Checkpoint, since: Checkpoint | None) -> bool:
        """See `CheckpointMemory`."""
        with self._lock:
            if self._kept.get(key.vkey) != since:
                return False
            if since is None or checkpoint.size > since.size:
                self._kept[key.vkey] = checkpoint
            return True


class FileMemory:
    """One small file a log under `folder` (default: `default_folder()`): the signed note itself."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()

    def last(self, key: LogKey) -> Checkpoint | None:
        """The kept checkpoint, its signature checked again. Raises NoteInvalid when the file was altered."""
        path = self._path(key)
        return open_checkpoint(path.read_text(encoding="utf-8"), key) if path.exists() else None

    def keep(self, key: LogKey, checkpoint: Checkpoint, since: Checkpoint | None) -> bool:
        """See `CheckpointMemory`."""
        path = self._path(key)
        with locked(path):
            if self.last(key) != since:
                return False
            if since is None or checkpoint.size > since.size:
                replace_file(path, checkpoint.note)
            return True

    def pinned(self, base_url: str) -> str | None:
        """The vkey pinned for a server on first use, or None."""
        path = self.folder / "pins.json"
        if not path.exists():
            return None
        value = json.loads(path.read_text(encoding="utf-8")).get(base_url)
        return value if isinstance(value, str) else None

    def pin(self, base_url: str, vkey: str) -> str:
        """Pins a vkey for a server unless one is pinned; returns the one that holds."""
        path = self.folder / "pins.json"
        with locked(path):
            pins = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            holds = str(pins.setdefault(base_url, vkey))
            replace_file(path, json.dumps(pins, indent=1, sort_keys=True))
        return holds

    def _path(self, key: LogKey) -> Path:
        return self.folder / f"log-{hashlib.sha256(key.vkey.encode()).hexdigest()[:24]}.note"


def default_folder() -> Path:
    """`$XDG_STATE_HOME/spotcheck`, or `~/.local/state/spotcheck`."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "spotcheck"


def replace_file(path: Path, text: str, mode: int = 0o600) -> None:
    """Writes a whole file so that a reader, or a crash, sees the old or the new one and nothing between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time, by a lock file beside `path`; waits for the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f".{path.name}.lock"), "w", encoding="utf-8") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
