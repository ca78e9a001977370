"""Nobody stays behind: a pool's processes end when their parent is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from core.processes import pool

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import os, time
from core.processes import pool
if __name__ == "__main__":
    with pool(2) as workers:
        print(*sorted({workers.submit(os.getpid).result() for _ in range(2)}), flush=True)
        time.sleep(60)
"""
READY: list[int] = []


def _ready() -> None:
    READY.append(os.getpid())


def _known() -> list[int]:
    return READY


def alive(pid: int) -> bool:
    """Whether it runs: one that ended and that nobody has asked after is a zombie, and does not."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return said.rpartition(")")[2].split()[0] != "Z"


def test_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT, encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, env=env, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        pids = [int(word) for word in parent.stdout.readline().split()]
    assert pids
    assert all(map(alive, pids))
    parent.kill()
    parent.wait(10)
    deadline = time.monotonic() + 20
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, pids))


def test_each_process_begins_as_it_is_told() -> None:
    with pool(1, _ready) as workers:
        assert workers.submit(_known).result(60) == [workers.submit(os.getpid).result(60)]
