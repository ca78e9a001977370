"""What a parent makes of replies that no sound child sends."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from verification.decoding.frames import FRAME, head
from verification.decoding.pipes import end, exchange


def said(told: bytes, *, zeros: int = 0, stays: bool = False) -> tuple[dict[str, object], bytes]:
    """The reply of a child that says this and so many zeros, and then ends or stays."""
    script = (
        "import sys, time; "
        f"sys.stdout.buffer.write({told!r} + bytes({zeros})); sys.stdout.flush(); time.sleep({30 * stays})"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    try:
        header, body = exchange(child, (), time.monotonic() + 30)
        return header, bytes(body)
    finally:
        child.kill()
        end([child])


@pytest.mark.parametrize("size", [0, 1, 5_000_000])
def test_a_reply_comes_whole(size: int) -> None:
    assert said(head({"ok": True}, size), zeros=size) == ({"ok": True}, bytes(size))


@pytest.mark.parametrize("cut", [1, 11, 14, 20])
def test_one_that_breaks_off_is_the_childs_end(cut: int) -> None:
    with pytest.raises(EOFError):
        said((head({"ok": True}, 10) + bytes(10))[:cut])


def test_no_memory_is_made_for_what_a_child_only_announces() -> None:
    """Else one that was taken over could fill its parent's."""
    with pytest.raises(EOFError):
        said(FRAME.pack(2, 1 << 40), stays=True)
