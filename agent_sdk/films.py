"""A film on its way to the market: read from its file a piece at a time, and what the phone felt beside it.

    film = Film.of(Path("street.mp4"))
    film.sha256, film.media_type, film.size

Pure but for reading the file; `agent_sdk.shots` swears to it and `client.devices.submit` does the sending.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

from agent_sdk.errors import BadInput

_PIECE = 1024 * 1024
_EBML = b"\x1a\x45\xdf\xa3"
_OLD = (1980, 1, 1, 0, 0, 0)  # so that the same motion gives the same bytes


@dataclass(frozen=True, slots=True)
class Film:
    """A film that can be sent.

    Attributes:
        source: the bytes, or the file they are in, which must not change until they are sent.
        sha256: hex. size: bytes. media_type: as the first bytes say: "video/mp4", "video/quicktime" or
            "video/webm".
    """

    source: bytes | Path
    sha256: str
    size: int
    media_type: str

    @classmethod
    def of(cls, source: bytes | Path | str) -> Film:
        """The film in these bytes or this file. Raises BadInput: neither MP4, MOV nor WebM."""
        if isinstance(source, bytes):
            return cls(source, hashlib.sha256(source).hexdigest(), len(source), _media_type(source[:16]))
        path, seen, size, begin = Path(source), hashlib.sha256(), 0, b""
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                begin = begin or piece[:16]
                seen.update(piece)
                size += len(piece)
        return cls(path, seen.hexdigest(), size, _media_type(begin))


def _media_type(begin: bytes) -> str:
    if begin.startswith(_EBML):
        return "video/webm"
    if begin[4:8] != b"ftyp":
        raise BadInput("a film is MP4, MOV or WebM", hint="Record it so; do not only rename the file.")
    return "video/quicktime" if begin[8:12] == b"qt  " else "video/mp4"


def motion_file(motion: str) -> bytes:
    """The burst's file of a film: only what the phone felt, as CSV `t,gx,gy,gz,ax,ay,az` (see docs/api.md).

    Seconds from the film's first frame; the same text gives the same bytes.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("times.json", _OLD), "[]")
        archive.writestr(zipfile.ZipInfo("motion.csv", _OLD), motion)
    return out.getvalue()
