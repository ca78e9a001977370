"""The agent of the demo: `docs/examples/forecast.py`, run as its author would, in a process of its own.

The server's packages know no SDK and the SDK no server (an import contract); so the buyer's side is the
example that agent developers read, with an API key in its environment, heard through JSON lines.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias

from market.demo.house import ROOT

Event: TypeAlias = dict[str, Any]
EXAMPLES = ROOT / "docs" / "examples"
_END = "ended"


class AgentSilent(Exception):
    """The agent ended, or did not say what was waited for in time."""


class Agent:
    """The running example. `events` holds everything it has said so far."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.events: list[Event] = []
        self._said: queue.Queue[Event] = queue.Queue()
        self._errors = (folder / "agent.log").open("w", encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / "forecast.py"), str(folder)],
            cwd=ROOT,
            env={**_clean(), "XDG_STATE_HOME": str(folder / "state"), **environment},
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    def _listen(self, out: IO[str] | None) -> None:
        for line in out or ():
            self._said.put(json.loads(line))
        self._said.put({"event": _END})

    def hear(self, event: str, *, within_s: float = 60.0) -> Event:
        """The next event of this name; others on the way are kept in `events`.

        Raises:
            AgentSilent: the agent ended first, or the time is up.
        """
        until = time.monotonic() + within_s
        while True:
            try:
                said = self._said.get(timeout=max(0.01, until - time.monotonic()))
            except queue.Empty:
                raise AgentSilent(f"the agent did not say {event!r} in {within_s:.0f} s") from None
            self.events.append(said)
            if said["event"] == event:
                return said
            if said["event"] == _END:
                raise AgentSilent(f"the agent ended before {event!r}: see {self.folder / 'agent.log'}")

    def finish(self, *, within_s: float = 30.0) -> int:
        """Waits for its end; returns its exit status."""
        try:
            return self._process.wait(within_s)
        finally:
            self.stop()

    def stop(self) -> None:
        """Ends it if it still runs."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)
        self._errors.close()


def check_receipts(files: Sequence[Path], log_key: str) -> tuple[int, list[dict[str, str]]]:
    """Runs `docs/examples/check_receipt.py` on saved observations: (exit status, the steps of all files)."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "check_receipt.py"), *map(str, files)],
        cwd=ROOT,
        env={**_clean(), "SPOTCHECK_LOG_KEY": log_key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    steps: list[dict[str, str]] = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, steps


def _clean() -> dict[str, str]:
    """This process's environment without any SPOTCHECK_ variable; `agent_sdk` is found in the checkout."""
    base = {name: value for name, value in os.environ.items() if not name.startswith("SPOTCHECK_")}
    return {**base, "PYTHONPATH": os.pathsep.join([str(ROOT), base.get("PYTHONPATH", "")])}
