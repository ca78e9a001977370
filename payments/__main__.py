"""The books from the command line.

    python -m payments audit [--json PATH]      every invariant with its figure, and what is in flight
    python -m payments resume --why "…"         lifts the halt of payouts, if every invariant holds

Exit status 0 when the books are right (alarms are told as WARN), 1 when an invariant does not hold, 2 for
wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from core import clock
from core.config import Settings
from core.db import Database
from payments import audit, halts


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m payments", description="The books, checked.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("audit", help="print every invariant with its figure; exit 1 if one fails")
    check.add_argument("--json", type=Path, metavar="PATH", help="write the same as JSON")
    resume = commands.add_parser("resume", help="let payouts go on, if every invariant holds")
    resume.add_argument("--why", type=_reason, required=True, help="what was wrong and how it was put right")
    for command in (check, resume):
        command.add_argument("--database", help="an SQLAlchemy URL; default: the house's own (SPOTCHECK_*)")
    chosen = parser.parse_args(arguments)
    database = Database(chosen.database or Settings().database)
    try:
        if chosen.command == "audit":
            return _audit(database, chosen.json, now=clock.now())
        return _resume(database, chosen.why, now=clock.now())
    finally:
        database.dispose()


def _reason(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("say why: the next one who looks will want to know")
    return text.strip()


def _audit(database: Database, path: Path | None, *, now: datetime) -> int:
    figures, moving = audit.books(database, now=now), audit.in_flight(database)
    with database.reading() as session:
        halted = halts.in_force(session, halts.PAYOUTS)
    _print_figures(figures)
    for some in moving:
        print(
            f"open {some.kind} {some.status}: {some.count}, {some.amount} USD, "
            f"the oldest since {clock.wire(some.oldest)}"
        )
    if halted is not None:
        print(f"payouts are halted since {clock.wire(halted.since)}: {halted.why}")
    holds = not any(figure.stops for figure in figures)
    if path is not None:
        halt = {"since": clock.wire(halted.since), "why": halted.why} if halted is not None else None
        said: dict[str, Any] = {
            "at": clock.wire(now),
            "holds": holds,
            "figures": [
                {"name": f.name, "says": f.says, "figure": f.figure, "holds": f.holds, "alarm": f.alarm}
                for f in figures
            ],
            "in_flight": [
                {
                    "kind": some.kind,
                    "status": some.status,
                    "count": some.count,
                    "amount": str(some.amount),
                    "oldest": clock.wire(some.oldest),
                }
                for some in moving
            ],
            "payouts_halted": halt,
        }
        path.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return 0 if holds else 1


def _resume(database: Database, why: str, *, now: datetime) -> int:
    with database.reading() as session:
        halted = halts.in_force(session, halts.PAYOUTS)
    if halted is None:
        print("payouts are not halted")
        return 0
    wrong = [figure for figure in audit.books(database, now=now) if figure.stops]
    if wrong:
        _print_figures(wrong)
        print("payouts stay halted: repair the books first")
        return 1
    with database.transaction() as session:
        halts.lift(session, halted.id, why, now=now)
    print(f"payouts go on; they were halted since {clock.wire(halted.since)}: {halted.why}")
    return 0


def _print_figures(figures: list[audit.Figure]) -> None:
    for figure in figures:
        said = "ok  " if figure.holds else "WARN" if figure.alarm else "FAIL"
        print(f"{said} {figure.name:<17} {figure.figure:>6}  {figure.says}")


if __name__ == "__main__":
    sys.exit(main())
