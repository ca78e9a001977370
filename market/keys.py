"""The two keys of a house, which every machine of it must hold: `log.pem` signs the log that receipts rest
on, `seal.key` seals originals. Each is made on first use, by the first machine; a second one that made its
own would sign what nobody can check and seal what no other can open. So neither starts with another key
(and where the database was away at the start, `core.log` signs nothing on).
"""

from __future__ import annotations

import logging

from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from core import log
from core.config import Settings
from core.db import Database
from core.errors import Unavailable
from core.note import BadNote, Signer, load_or_make_key, open_note
from core.storage import Storage

_log = logging.getLogger(__name__)
_HINT = "Copy log.pem and seal.key, readable by their owner only, from the home folder of the first machine."


def check_keys(settings: Settings) -> None:
    """Both keys, before anything is opened for good. Raises as the two below."""
    database = Database(settings.database)
    try:
        signer_of(settings, database)
    finally:
        database.dispose()
    storage_of(settings)


def signer_of(settings: Settings, database: Database) -> Signer:
    """The log's key. A database that is away is not asked.

    Raises:
        Unavailable: its log has another name, or is signed by another key, or by one that is not here.
    """
    path, note = settings.home / "log.pem", _signed(database)
    named = "" if note is None else note.partition("\n")[0]
    if note is not None and named != settings.log_origin:
        raise Unavailable(
            f"the log is {named}, and SPOTCHECK_LOG_ORIGIN {settings.log_origin}",
            hint="Set SPOTCHECK_LOG_ORIGIN to the log's own name, or use another database.",
        )
    if note is not None and not path.exists():
        raise Unavailable(f"the log is signed, and its key {path} is not here", hint=_HINT)
    signer = Signer(settings.log_origin, load_or_make_key(path))
    if note is not None:
        try:
            open_note(note, signer.verifier)
        except BadNote as error:
            raise Unavailable(f"the log is signed by another key than {path}", hint=_HINT) from error
    return signer


def storage_of(settings: Settings) -> Storage:
    """The storage, with the key that its objects are sealed under. One that does not answer is not asked.

    Raises:
        Unavailable: they are sealed under another.
    """
    storage = Storage(settings.storage, settings.seal_key(), spool=settings.home)
    try:
        ours = storage.is_ours()
    except Unavailable as error:
        _log.warning("whether seal.key is the storage's own is not known: %s", error)
        return storage
    if not ours:
        path = settings.home / "seal.key"
        raise Unavailable(f"the storage is sealed under another key than {path}", hint=_HINT)
    return storage


def _signed(database: Database) -> str | None:
    """The newest signed head of the database's log; None before the first."""
    try:
        if not inspect(database.engine).has_table(log.LogCheckpoint.__tablename__):
            return None  # not migrated yet
        with database.reading() as session:
            head = log.latest(session)
            return None if head is None else head.note
    except SQLAlchemyError as error:
        _log.warning("whether log.pem is the log's own is not known: %s", error)
        return None
