"""The decoding child cannot reach out: what it would need for that does not exist inside it."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.assets import build
from verification.picture import Decoder

ROOT = Path(__file__).resolve().parents[2]
ESCAPES = {
    "socket": "import socket; socket.socket()",
    "file": "open('/etc/hostname')",
    "new_file": "open('/tmp/escaped', 'w')",
    "fork": "os.fork()",
    "exec": "os.execv('/bin/true', ['/bin/true'])",
    "kill": "os.kill(os.getppid(), 0)",
    "more_memory": "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    "anothers_limit": "resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
    "more_files": "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))",
    "root": "os.setuid(0)",
    "process_as_a_thread_is_made": "libc.syscall(56, 0x11, 0, 0, 0, 0) >= 0 or by_filter()",
    "new_namespace": "libc.syscall(56, 0x3D0F00 | 0x20000000, 0, 0, 0, 0) >= 0 or by_filter()",
    "clone3": "libc.syscall(435, 0, 0) >= 0 or by_filter()",
    "thread": "import threading; threading.Thread(target=print).start()",
}
PROGRAM = """
import ctypes, errno, json, os, resource, socket, threading
libc = ctypes.CDLL(None, use_errno=True)
def by_filter():  # any other errno is the kernel's own: the call had got through
    if ctypes.get_errno() in (errno.EPERM, errno.ENOSYS):
        raise OSError(ctypes.get_errno(), "denied")
from verification.decoding import child
child._warm_up()
held_by = child._lock_in(1 << 30, 2, threads=os.environ["THREADS"] == "yes")
denied = {}
for name, code in json.loads(os.environ["ESCAPES"]).items():
    try:
        exec(code)
        denied[name] = "it worked"
    except (OSError, ValueError, RuntimeError) as error:
        denied[name] = type(error).__name__
print(json.dumps([held_by, denied]))
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the filter is written for x86-64 only")
@pytest.mark.parametrize("threads", ["no", "yes"])
def test_no_way_out(threads: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        env={"PYTHONPATH": str(ROOT), "ESCAPES": json.dumps(ESCAPES), "THREADS": threads},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    held_by, denied = json.loads(done.stdout)
    assert held_by == "seccomp+rlimits"
    assert set(denied) == set(ESCAPES)
    worked = {name for name, what in denied.items() if what == "it worked"}
    assert worked == ({"thread"} if threads == "yes" else set()), denied


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the filter is written for x86-64 only")
def test_the_running_child_is_confined(decoder: Decoder) -> None:
    decoder.open(build.make("honest.jpg"))
    assert decoder.sandbox == "seccomp+rlimits"
    status = Path(f"/proc/{decoder.pid}/status").read_text()
    assert "Seccomp:\t2" in status
    assert "NoNewPrivs:\t1" in status
    assert "Uid:\t0" not in status


def test_the_child_holds_no_net_and_no_numpy() -> None:
    code = "import sys, verification.decoding.child; print({'torch', 'numpy', 'cv2'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "set()"
