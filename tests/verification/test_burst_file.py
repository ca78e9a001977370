"""The file of a burst: what is written is read, and nothing else is."""

from __future__ import annotations

import hashlib
import io
import zipfile

import numpy as np
import pytest

from verification.burst_file import read, write

FRAMES, TIMES, MOTION = (b"one", b"two", b"three"), (0.1, 0.2, 0.35), "t,gx,gy,gz,ax,ay,az\n0,0,0,0,0,0,0\n"


def archive(files: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as written:
        for name, data in files.items():
            written.writestr(name, data)
    return out.getvalue()


def test_what_is_written_is_read() -> None:
    data = write(FRAMES, TIMES, MOTION)
    found = read(data)
    assert (found.frames, found.times, found.motion) == (FRAMES, TIMES, MOTION)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert write(FRAMES, TIMES, MOTION) == data
    assert read(write(FRAMES, TIMES, "")).motion == ""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        archive({"000.jpg": b"x"}),
        archive({"000.jpg": b"x", "times.json": b"[0"}),
        archive({"000.jpg": b"x", "times.json": b'{"a": 1}'}),
        archive({"000.jpg": b"x", "times.json": b"\xff"}),
        archive({"001.jpg": b"x", "times.json": b"[0]"}),
        archive({"../000.jpg": b"x", "times.json": b"[0]"}),
        archive({"000.jpg": b"x", "times.json": b"[0]", "else": b""}),
        archive({"000.jpg": b"x" * 1000, "times.json": b"[0]"}, zipfile.ZIP_DEFLATED),
        archive({f"{n:03d}.jpg": b"x" for n in range(80)} | {"times.json": b"[]"}),
    ],
)
def test_what_is_no_burst_has_no_frames(data: bytes) -> None:
    found = read(data)
    assert found.frames == ()
    assert found.sha256 == hashlib.sha256(data).hexdigest()


def test_mutants_are_read_or_refused_and_never_raise() -> None:
    rng = np.random.default_rng(20261126)
    whole = write(FRAMES, TIMES, MOTION)
    for _ in range(2000):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), rng.integers(1, 6)):
            data[at] = int(rng.integers(256))
        read(bytes(data[: int(rng.integers(1, len(data) + 1))]))
