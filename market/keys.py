"""The two keys of a house, which every machine of it must hold: `log.pem` signs the log that receipts rest
on, `seal.key` seals originals. Each is made on first use, by the first machine; a second one that made its
own would sign what nobody can check and seal what no other can open. So neither goes on with another key.
"""

from __future__ import annotations

from sqlalchemy import inspect

from core import log
from core.config import Settings
from core.db import Database
from core.errors import Unavailable
from core.note import BadNote, Signer, load_or_make_key, open_note
from core.storage import Storage

_HINT = "Copy log.pem and seal.key, readable by their owner only, from the home folder of the first machine."


def signer_of(settings: Settings, database: Database) -> Signer:
    """The log's key.

    Raises:
        Unavailable: this database's log is signed by another, or by one that is not here.
    """
    path = settings.home / "log.pem"
    note = _signed(database)
    if note is not None and not path.exists():
        raise Unavailable(f"the log is signed, and its key {path} is not here", hint=_HINT)
    signer = Signer(settings.log_origin, load_or_make_key(path))
    if note is not None:
        try:
            open_note(note, signer.verifier)
        except BadNote as error:
            raise Unavailable(f"the log is signed by another key than {path}: {error}", hint=_HINT) from error
    return signer


def storage_of(settings: Settings) -> Storage:
    """The storage, with the key that its objects are sealed under; one that is away is not asked.

    Raises:
        Unavailable: they are sealed under another.
    """
    storage = Storage(settings.storage, settings.seal_key(), spool=settings.home)
    if storage.ready() and not storage.is_ours():
        raise Unavailable(
            f"the storage is sealed under another key than {settings.home / 'seal.key'}", hint=_HINT
        )
    return storage


def _signed(database: Database) -> str | None:
    if not inspect(database.engine).has_table(log.LogCheckpoint.__tablename__):
        return None  # not migrated yet
    with database.reading() as session:
        head = log.latest(session)
        return None if head is None else head.note
