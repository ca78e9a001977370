"""Append-only by trigger: a posting, transfer or entry is never changed or deleted, by anybody.

A correction is a new posting. The DDL stands here so that the migration and the tests run the same
text; it is kept by every later migration.
"""

from __future__ import annotations

APPEND_ONLY = ("ledger_postings", "ledger_transfers", "ledger_entries")
FUNCTION = "spotcheck_append_only"


def create(dialect: str) -> list[str]:
    """Statements that put the triggers on, one SQL statement each.

    Args:
        dialect: "sqlite" or "postgresql".

    Raises:
        ValueError: another dialect; money does not run where it is not guarded.
    """
    if dialect == "sqlite":
        return [_sqlite(table, event) for table in APPEND_ONLY for event in ("UPDATE", "DELETE")]
    if dialect == "postgresql":
        return [_POSTGRES_FUNCTION, *(make(table) for table in APPEND_ONLY for make in (_rows, _whole))]
    raise ValueError(f"no append-only triggers for {dialect}")


def drop(dialect: str) -> list[str]:
    """Statements that take the triggers off, for a migration's downgrade."""
    if dialect == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {t}_no_{e}" for t in APPEND_ONLY for e in ("update", "delete")]
    if dialect == "postgresql":
        dropped = [
            f"DROP TRIGGER IF EXISTS {t}_no_{e} ON {t}" for t in APPEND_ONLY for e in ("change", "truncate")
        ]
        return [*dropped, f"DROP FUNCTION IF EXISTS {FUNCTION}()"]
    raise ValueError(f"no append-only triggers for {dialect}")


# 23514 is check_violation: drivers report it as an IntegrityError, like the CHECKs beside it.
_POSTGRES_FUNCTION = f"""\
CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only', ERRCODE = '23514';
END
$body$"""


def _rows(table: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {FUNCTION}()"
    )


def _whole(table: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {FUNCTION}()"
    )


def _sqlite(table: str, event: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )
