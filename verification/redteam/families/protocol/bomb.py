"""A PNG of a few kilobytes that would be thousands of megabytes of pixels."""

from __future__ import annotations

import struct
import zlib

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@family("bomb", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    side = int(workshop.rng.integers(12_000, 40_000))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(side * 3 + 1) * 20)
    media = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")
    return workshop.sample(workshop.evidence(media))
