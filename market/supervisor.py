"""Keeps worker children alive: `serve` is one command, and a worker that dies is started again."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time

_log = logging.getLogger(__name__)
LONGEST_PAUSE_S = 10.0
STOP_WITHIN_S = 10.0


class Supervisor:
    """Runs `python -m market work` as a child and restarts it, pausing longer while it keeps dying."""

    def __init__(self, count: int = 1) -> None:
        self._stop = threading.Event()
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._threads = [threading.Thread(target=self._keep, args=(n,), daemon=True) for n in range(count)]

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

    def _keep(self, number: int) -> None:
        pause, me = 0.2, str(os.getpid())
        while not self._stop.is_set():
            began = time.monotonic()
            child = subprocess.Popen([sys.executable, "-m", "market", "work", "--child-of", me])
            self._children[number] = child
            child.wait()
            if self._stop.is_set():
                return
            lived = time.monotonic() - began
            pause = 0.2 if lived > 30 else min(LONGEST_PAUSE_S, pause * 2)
            _log.warning("worker %d ended (exit %s); again in %.1f s", child.pid, child.returncode, pause)
            self._stop.wait(pause)
