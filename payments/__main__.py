"""`python -m payments audit`: prints each invariant of the books with its figure.

Exit status 0 when all hold, 1 when any does not, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import sys

from core import clock
from core.config import Settings
from core.db import Database
from payments import audit


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m payments", description="The books, checked.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("audit", help="print every invariant with its figure; exit 1 if one fails")
    check.add_argument("--database", help="an SQLAlchemy URL; default: the house's own (SPOTCHECK_*)")
    chosen = parser.parse_args(arguments)
    database = Database(chosen.database or Settings().database)
    figures = audit.books(database, now=clock.now())
    database.dispose()
    for figure in figures:
        print(f"{'ok  ' if figure.holds else 'FAIL'} {figure.name:<17} {figure.figure:>6}  {figure.says}")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
