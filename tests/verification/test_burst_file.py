"""The file of a burst: what is written is read, and nothing else is."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib

import numpy as np
import pytest

from verification.burst_file import MAX_BYTES, read, write

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
        archive({"000.jpg": b"x", "times.json": b"[1" + b"0" * 400 + b"]"}),
        archive({"000.jpg": b"x", "times.json": b"[NaN]"}),
        archive({"000.jpg": b"x", "times.json": b"[1e13]"}),
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


def in_one_another(names: list[str], inmost: bytes, times: bytes) -> bytes:
    """Each frame's bytes are the next one's entry and bytes: all is stored once and read once a frame."""
    whole, sizes, directory, offset = inmost, {}, b"", 0
    for name in reversed(names):
        sizes[name] = (zlib.crc32(whole), len(whole))
        whole = local(name, *sizes[name]) + whole
    for name in names:
        directory += central(name, *sizes[name], offset)
        offset += len(local(name, 0, 0))
    listed = (zlib.crc32(times), len(times))
    directory += central("times.json", *listed, len(whole))
    whole += local("times.json", *listed) + times
    return ended(whole, directory, len(names) + 1)


def local(name: str, crc: int, size: int) -> bytes:
    return struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 33, crc, size, size, len(name), 0) + name.encode()


def central(name: str, crc: int, size: int, offset: int, extra: bytes = b"") -> bytes:
    sizes = (crc, size, size, len(name), len(extra), 0, 0, 0, 0, offset)
    return struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 33, *sizes) + name.encode() + extra


def ended(whole: bytes, directory: bytes, count: int) -> bytes:
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), len(whole), 0)
    return whole + directory + end


def test_frames_that_lie_in_one_another_are_not_taken_out() -> None:
    """zipfile itself lets entries lie over one another; then 8 MiB would become 511."""
    names, times = [f"{n:03d}.jpg" for n in range(64)], json.dumps([*range(64)]).encode()
    assert read(in_one_another(names[:2], b"small", times)).frames[1] == b"small"
    assert read(in_one_another(names, bytes(MAX_BYTES - 20_000), times)).frames == ()


def test_a_place_beyond_all_places_is_refused() -> None:
    """Seeking there raises OverflowError."""
    there = struct.pack("<HHQ", 1, 8, 2**64 - 1)
    far = central("000.jpg", 0, 1, 2**32 - 1, there) + central("times.json", zlib.crc32(b"[0]"), 3, 0)
    assert read(ended(local("times.json", zlib.crc32(b"[0]"), 3) + b"[0]", far, 2)).frames == ()
