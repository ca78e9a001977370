"""Pools of processes that end with whoever started them.

A process of `concurrent.futures` waits for work on a pipe whose other end it holds itself: when its parent is
killed it learns nothing of it, and stays behind for good, with all it has loaded.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor


def pool(count: int, begin: Callable[[], object] | None = None) -> ProcessPoolExecutor:
    """So many fresh processes (spawned, never forked: the parent may hold threads), each begun by `begin`."""
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begun, (begin,))


def _begun(begin: Callable[[], object] | None) -> None:
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()
    if begin is not None:
        begin()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
