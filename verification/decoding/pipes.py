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
) -> tuple[dict[str, Any], bytes]:
    """Writes the request's parts while reading the reply, so that two full pipes cannot wait on each other.

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
    unsent, reply, got = [memoryview(part) for part in request], bytearray(FRAME.size), 0
    while got < len(reply):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        for fd, _ in poller.poll(left * 1000):
            if fd == from_child:
                with memoryview(reply) as whole:  # into its place: grown by pieces it would be copied often
                    received = os.readv(from_child, [whole[got : got + _CHUNK]])
                if not received:
                    raise EOFError
                got += received
            else:
                _send(to_child, unsent)
                if not unsent:
                    poller.unregister(to_child)
        if got == len(reply) == FRAME.size:
            reply += bytes(_announced(reply))
    header_size, _ = FRAME.unpack_from(reply)
    header: dict[str, Any] = json.loads(reply[FRAME.size : FRAME.size + header_size])
    with memoryview(reply) as whole:
        return header, bytes(whole[FRAME.size + header_size :])


def _announced(frame: bytes | bytearray) -> int:
    """How many bytes follow a frame's first ones; a child that announces more than any reply has is no more
    to be spoken with."""
    size: int = sum(FRAME.unpack(frame))
    if size > _MOST:
        raise EOFError
    return size


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
