"""How a parent talks with a decoding child: frames over two pipes, and what the end of either means."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import subprocess
import time
from typing import IO, Any

import numpy as np

from verification.decoding.frames import FRAME

_MOST = 1 << 29  # bytes of a reply: a film's copy and pictures are 300 MB at most
_CHUNK = 1 << 20  # what an unprivileged process may let a pipe of Linux hold


def widen(pipe: IO[bytes] | None) -> None:
    """Lets a pipe hold a picture at once, where the system can: else both sides wake each other all along."""
    if pipe is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):  # more than a user may have: it stays as it is
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _CHUNK)


def end(children: list[subprocess.Popen[bytes]]) -> int:
    """Kills what is in the list, empties it, and returns the last return code (0 when none)."""
    code = 0
    while children:
        child = children.pop()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        try:
            code = child.wait(timeout=0.2)  # a dead one tells why; a living one ends on its closed pipe
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
    return code


def exchange(
    child: subprocess.Popen[bytes], request: tuple[bytes, ...], deadline: float
) -> tuple[dict[str, Any], memoryview]:
    """Writes the request's parts while reading the reply, so that two full pipes cannot wait on each other.

    Returns:
        The reply's header, and its body, read only.

    Raises:
        TimeoutError: the deadline (monotonic) passed.
        EOFError: the child went away.
    """
    if child.stdin is None or child.stdout is None:
        raise TypeError("the child was started without pipes")
    to_child, from_child = child.stdin.fileno(), child.stdout.fileno()
    os.set_blocking(to_child, False)
    poller = select.poll()
    poller.register(from_child, select.POLLIN)
    if request:
        poller.register(to_child, select.POLLOUT)
    frame = bytearray(FRAME.size)
    unsent, unread, parts = [memoryview(part) for part in request], [memoryview(frame)], list[memoryview]()
    while unread:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        for fd, _ in poller.poll(left * 1000):
            if fd == from_child:
                _receive(from_child, unread)
            else:
                _send(to_child, unsent)
                if not unsent:
                    poller.unregister(to_child)
        if not unread and not parts:
            parts = [_room(size) for size in _announced(frame)]
            unread = [part for part in parts if part]
    header, body = parts
    return json.loads(bytes(header)), body.toreadonly()


def _announced(frame: bytearray) -> tuple[int, int]:
    """How many bytes of header and body follow; a child that announces more than any reply has is no more to
    be spoken with."""
    header, body = FRAME.unpack(frame)
    if header + body > _MOST:
        raise EOFError
    return header, body


def _room(size: int) -> memoryview:
    """Memory for so many bytes, touched by nobody before they come."""
    return np.empty(size, np.uint8).data


def _receive(fd: int, unread: list[memoryview]) -> None:
    """Fills of `unread` what one read brings, into its place: grown by pieces it would be copied often."""
    received = os.readv(fd, [unread[0][:_CHUNK]])
    if not received:
        raise EOFError
    unread[0] = unread[0][received:]
    if not unread[0]:
        unread.pop(0)


def _send(fd: int, unsent: list[memoryview]) -> None:
    """Takes from `unsent` what one write takes; a broken pipe counts as the child being gone."""
    try:
        unsent[0] = unsent[0][os.write(fd, unsent[0][:_CHUNK]) :]
    except BlockingIOError:
        return
    except BrokenPipeError:
        raise EOFError from None
    if not unsent[0]:
        unsent.pop(0)
