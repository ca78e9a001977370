"""Says what is wrong with an installation, one line a part, and what to do about it."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from kombu.connection import Connection
from kombu.exceptions import OperationalError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core import clock, log
from core.config import Settings
from core.db import Database
from core.errors import SpotcheckError, Unavailable
from core.queue import make_celery
from market.keys import signer_of, storage_of
from market.rails import stripe_of
from payments import halts

_FAULTS = (SpotcheckError, log.LogBroken, SQLAlchemyError, OperationalError, OSError, ValueError)


def run(settings: Settings) -> int:
    """Checks each part; prints a table; returns 1 when one is not well."""
    parts: list[tuple[str, str, Callable[[], str]]] = [
        ("database", settings.database, lambda: _database(settings)),
        ("log", settings.log_origin, lambda: _transparency(settings)),
        ("rail", settings.rail, lambda: _rail(settings)),
        ("payouts", settings.database, lambda: _payouts(settings)),
        ("broker", settings.broker, lambda: _broker(settings)),
        ("storage", settings.storage, lambda: _storage(settings)),
        ("disk", str(settings.home), lambda: _disk(settings)),
        ("weights", "of the verifier's nets", _weights),
    ]
    well = True
    for name, where, look in parts:
        try:
            said = look()
        except _FAULTS as error:
            advice = f" {error.advice}" if isinstance(error, SpotcheckError) else ""
            well, said = False, f"NOT WELL: {error}".splitlines()[0] + advice
        print(f"{name:10} {_without_password(where):60} {said}")
    return 0 if well else 1


def _database(settings: Settings) -> str:
    database = Database(settings.database)
    with database.reading() as session:
        revision = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    database.dispose()
    return f"ok, revision {revision}"


def _transparency(settings: Settings) -> str:
    database = Database(settings.database)
    try:
        with database.reading() as session:
            head = log.check(session)
        signer_of(settings, database)
    except log.LogBroken as error:
        raise log.LogBroken(f"the log is broken, nothing more is signed: {error}") from error
    finally:
        database.dispose()
    return f"ok, {head.size} leaves" if head else "ok, nothing signed yet"


def _rail(settings: Settings) -> str:
    database = Database(settings.database)
    try:
        stripe_of(settings, database)
    finally:
        database.dispose()
    return "ok, the sandbox: no real money moves" if settings.rail == "sandbox" else "ok"


def _payouts(settings: Settings) -> str:
    database = Database(settings.database)
    try:
        with database.reading() as session:
            halted = halts.in_force(session, halts.PAYOUTS)
    finally:
        database.dispose()
    if halted is not None:
        raise Unavailable(f"halted since {clock.wire(halted.since)}: {halted.why} (python -m payments audit)")
    return "ok, going out"


def _broker(settings: Settings) -> str:
    if settings.broker.startswith("filesystem://"):
        make_celery(settings.broker)
        return "ok, files"
    with Connection(settings.broker, connect_timeout=3) as connection:
        connection.ensure_connection(max_retries=1)
    return "ok"


def _storage(settings: Settings) -> str:
    storage = storage_of(settings)
    storage.get(storage.put(b"spotcheck doctor"))
    if settings.storage.startswith("file://"):
        return "ok"
    return "ok; its own rule must end unfinished multipart uploads (README.md)"


def _disk(settings: Settings) -> str:
    settings.home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.home).free
    if free < 1 << 30:
        raise OSError(f"only {free >> 20} MiB free")
    return f"ok, {free >> 30} GiB free"


def _weights() -> str:
    from verification import engine, reading  # loads torch, which the rest of this page does not need

    files = len(engine.check_weights())
    reading.check_weights()
    return f"ok, {files + len(reading.MODELS)} files as pinned"


def _without_password(url: str) -> str:
    before, at, after = url.rpartition("@")
    return f"{before.split('://')[0]}://…@{after}" if at else url.split("?", maxsplit=1)[0]
