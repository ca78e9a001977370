"""The command line: serve | work | beat | migrate | account | demo | doctor."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from core import clock
from core.accounts import service as accounts
from core.accounts.rules import Kind
from core.config import Settings
from core.db import Database
from core.errors import SpotcheckError
from market import beat, doctor
from market.app import create_app
from market.keys import check_keys
from market.migrate import migrate
from market.supervisor import Supervisor

_log = logging.getLogger(__name__)


def serve(settings: Settings, arguments: argparse.Namespace) -> int:
    """Migrates, starts the workers and the beat, answers HTTP until stopped."""
    check_keys(settings)  # before a second machine changes anything
    # uvicorn shuts down on SIGTERM and then raises it again: without a handler of our own the process
    # would die before `finally`, and leave its workers behind.
    signal.signal(signal.SIGTERM, _leave)
    migrate(settings.database)
    supervisor = Supervisor(["work"] * arguments.workers + ["beat"])
    supervisor.start()
    try:
        uvicorn.run(create_app(settings), **server_options(settings))
    finally:
        supervisor.stop()
    return 0


def server_options(settings: Settings) -> dict[str, Any]:
    """How HTTP is served. uvicorn would believe X-Forwarded-For from loopback: here nobody unless named."""
    return {
        "host": settings.host,
        "port": settings.port,
        "log_level": "warning",
        "access_log": False,
        "proxy_headers": bool(settings.proxies),
        "forwarded_allow_ips": settings.proxies,
    }


def _leave(_: int, __: FrameType | None) -> None:
    raise SystemExit(0)


def work(settings: Settings, arguments: argparse.Namespace) -> int:
    """Runs one worker process."""
    from market import worker  # loads torch, which no other command needs

    return worker.run(settings, arguments.child_of)


def keep_time(settings: Settings, arguments: argparse.Namespace) -> int:
    """Runs the schedule."""
    beat.run(settings, arguments.child_of)
    return 0


def bring_up_to_date(settings: Settings, _: argparse.Namespace) -> int:
    """Migrates."""
    migrate(settings.database)
    return 0


def tell_story(settings: Settings, arguments: argparse.Namespace) -> int:
    """Runs the demo."""
    from market import demo as story  # needs the development extras (sample photographs)

    return story.run(settings, seed=arguments.seed)


def make_account(settings: Settings, arguments: argparse.Namespace) -> int:
    """Makes an account and prints its key once."""
    migrate(settings.database)
    database = Database(settings.database)
    with database.transaction() as session:
        now = clock.now()
        account = accounts.open_account(session, Kind(arguments.kind), arguments.name, now=now)
        issued = accounts.issue_key(session, account, now=now)
    print(f"account {account.id}\nkey     {issued.secret}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Reads the command line and runs one command."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    parser = argparse.ArgumentParser(prog="python -m market", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="run the market on this machine")
    serving.add_argument("--workers", type=int, default=1, help="worker processes (0: they run elsewhere)")
    working = commands.add_parser("work", help="run one worker process")
    beating = commands.add_parser(
        "beat", help="run the schedule: ask the workers for what is due by the clock"
    )
    for child in (working, beating):
        child.add_argument(
            "--child-of", type=int, metavar="PID", help="stop when this parent process is gone"
        )
    commands.add_parser("migrate", help="bring the database to the newest schema")
    account = commands.add_parser("account", help="make an account and print its key")
    account.add_argument("name")
    account.add_argument(
        "--kind", choices=[kind.value for kind in Kind if kind is not Kind.PERSON], default="agent"
    )
    demo = commands.add_parser("demo", help="run the main job end to end and report")
    demo.add_argument("--seed", type=int, default=1)
    commands.add_parser("doctor", help="say what is wrong with this installation")
    chosen = parser.parse_args(arguments)
    # A worker that loads OpenMP and MKL pools would use every core for one capture.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        return _COMMANDS[chosen.command](Settings(), chosen)
    except SpotcheckError as fault:  # a door: whoever runs this machine reads it, and a traceback hides it
        facts = ", ".join(f"{name} {value}" for name, value in fault.facts.items()) or fault.code
        _log.critical("%s stops: %s (%s). %s", chosen.command, fault.message, facts, fault.advice)
        return 1


_COMMANDS: dict[str, Callable[[Settings, argparse.Namespace], int]] = {
    "serve": serve,
    "work": work,
    "beat": keep_time,
    "migrate": bring_up_to_date,
    "account": make_account,
    "demo": tell_story,
    "doctor": lambda settings, _: doctor.run(settings),
}


if __name__ == "__main__":
    sys.exit(main())
