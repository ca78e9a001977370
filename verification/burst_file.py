"""A burst as one file: a ZIP archive without compression, so that one SHA-256 binds frames and motion.

`000.jpg`, `001.jpg`, …   the frames, in order
`times.json`             seconds, one a frame, rising, on the clock of the motion
`motion.csv`             see `verification.evidence.Burst.motion`; may be absent

Written by phones (`web/burst.js`), read here with suspicion: sizes and names are bounded before
anything is taken out, and so is what is taken out in all: entries may lie over one another, and then a small
file holds each byte many times.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Sequence

from verification.evidence import Burst

MAX_BYTES = 8 * 1024 * 1024
MAX_FRAMES = 64
_MAX_TEXT = 1024 * 1024
_LATEST = 1e12  # seconds: no clock counts further, and a whole number far beyond is no float any more


# What zipfile and struct raise on hostile bytes, and json on hostile text; OverflowError among others, on a
# place in the file that is no place in memory.
_HOSTILE = (
    zipfile.BadZipFile,
    struct.error,
    ValueError,
    LookupError,
    EOFError,
    RuntimeError,
    OSError,
    ArithmeticError,
)


def write(frames: Sequence[bytes], times: Sequence[float], motion: str) -> bytes:
    """The file of these encoded frames; the same arguments give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number, frame in enumerate(frames):
            archive.writestr(zipfile.ZipInfo(f"{number:03d}.jpg"), frame)
        archive.writestr(zipfile.ZipInfo("times.json"), json.dumps([round(t, 4) for t in times]))
        if motion:
            archive.writestr(zipfile.ZipInfo("motion.csv"), motion)
    return out.getvalue()


def read(data: bytes) -> Burst:
    """The burst in a file; one that cannot be read has no frames, which the `burst` check refuses."""
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _taken_out(archive, sha256)
    except _HOSTILE:
        return Burst((), sha256=sha256)


def _taken_out(archive: zipfile.ZipFile, sha256: str) -> Burst:
    """Raises ValueError for anything but the files named above, once each, stored as they are."""
    files = archive.infolist()
    names = [item.filename for item in files]
    frames = sorted(name for name in names if name not in ("times.json", "motion.csv"))
    if len(files) > MAX_FRAMES + 2 or len(set(names)) != len(names):
        raise ValueError("too many files, or one name twice")
    if frames != [f"{number:03d}.jpg" for number in range(len(frames))]:
        raise ValueError("frames are 000.jpg, 001.jpg and so on")
    if any(item.compress_type != zipfile.ZIP_STORED for item in files):
        raise ValueError("a compressed file")
    if sum(item.file_size for item in files) > MAX_BYTES:
        raise ValueError("files too large, or one over another")
    times = json.loads(_text(archive, "times.json"))
    if not isinstance(times, list) or not all(isinstance(t, int | float) and abs(t) < _LATEST for t in times):
        raise ValueError("times.json is a list of seconds")
    motion = _text(archive, "motion.csv") if "motion.csv" in names else ""
    return Burst(tuple(archive.read(name) for name in frames), tuple(map(float, times)), motion, sha256)


def _text(archive: zipfile.ZipFile, name: str) -> str:
    if archive.getinfo(name).file_size > _MAX_TEXT:
        raise ValueError(f"{name} is too long")
    return archive.read(name).decode("utf-8")
