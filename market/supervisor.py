"""Keeps the children of `serve` alive: the workers and the beat. One that dies is started again."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

_log = logging.getLogger(__name__)
LONGEST_PAUSE_S = 10.0
STOP_WITHIN_S = 10.0


class Supervisor:
    """Runs `python -m market COMMAND` as a child and restarts it, pausing longer while it keeps dying.

    Args:
        commands: one for each child, such as `["work", "beat"]`.
    """

    def __init__(self, commands: Sequence[str]) -> None:
        self._stop = threading.Event()
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._threads = [
            threading.Thread(target=self._keep, args=child, daemon=True) for child in enumerate(commands)
        ]

    def start(self) -> None:
        """Starts the children."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Asks the children to finish, then ends them."""
        self._stop.set()
        for child in self._children.values():
            child.terminate()
        deadline = time.monotonic() + STOP_WITHIN_S
        for child in self._children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()

    def _keep(self, number: int, command: str) -> None:
        pause, me = 0.2, str(os.getpid())
        while not self._stop.is_set():
            began = time.monotonic()
            child = subprocess.Popen([sys.executable, "-m", "market", command, "--child-of", me])
            self._children[number] = child
            child.wait()
            if self._stop.is_set():
                return
            lived = time.monotonic() - began
            pause = 0.2 if lived > 30 else min(LONGEST_PAUSE_S, pause * 2)
            _log.warning(
                "%s %d ended (exit %s); again in %.1f s", command, child.pid, child.returncode, pause
            )
            self._stop.wait(pause)


def leave_if_orphaned(parent: int | None) -> bool:
    """Asks this process to stop when its parent is gone (killed, so that it could not say stop).

    Else it would stay behind beside its successors. None: it belongs to nobody.
    """
    gone = parent is not None and os.getppid() != parent
    if gone:
        os.kill(os.getpid(), signal.SIGTERM)
    return gone
