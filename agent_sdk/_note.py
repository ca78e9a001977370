"""Reading signed checkpoints: c2sp.org/signed-note (Ed25519, type 0x01) and c2sp.org/tlog-checkpoint.

Written apart from the server on purpose: who checks a log should not run the log's own code.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ED25519 = b"\x01"
_DASH = "\N{EM DASH} "
_SIZE = re.compile(r"^(0|[1-9][0-9]{0,18})$", re.ASCII)
_MAX_CHARS, _MAX_LINES = 1_000_000, 100


class NoteInvalid(ValueError):
    """Malformed, or not signed by the known key."""


@dataclass(frozen=True, slots=True)
class LogKey:
    """A log's name and raw 32-byte Ed25519 public key."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that hint at the key: SHA-256(name, newline, type, key), cut."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """The published line."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, vkey: str) -> LogKey:
        """Reads `name+hhhhhhhh+base64`. Raises NoteInvalid: another form, or a key id that does not fit."""
        parts = vkey.strip().split("+", 2)
        if len(parts) != 3 or not parts[0]:
            raise NoteInvalid("a log key is one line: name+hhhhhhhh+base64")
        blob = unbase64(parts[2])
        if len(blob) != 33 or blob[:1] != _ED25519:
            raise NoteInvalid("only Ed25519 log keys (type 0x01, 32 bytes) are known")
        key = cls(parts[0], blob[1:])
        if key.key_id.hex() != parts[1]:
            raise NoteInvalid("the key id does not fit the name and key")
        return key


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A verified tree head: its log, how many leaves, their root, and the signed text itself."""

    origin: str
    size: int
    root: bytes
    note: str


def open_checkpoint(note: str, key: LogKey) -> Checkpoint:
    """The tree head in a note, once `key` is shown to have signed it.

    Raises:
        NoteInvalid: malformed, unsigned by `key`, wrongly signed, or of another log.
    """
    text, lines = _cut(note)
    signature = _signature_of(key, lines)
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except InvalidSignature as error:
        raise NoteInvalid(f"the signature by {key.name} does not verify") from error
    fields = text.split("\n")
    if len(fields) < 4 or not all(fields[:-1]) or not _SIZE.match(fields[1]):
        raise NoteInvalid("a checkpoint is an origin, a size and a root, one a line")
    root = unbase64(fields[2])
    if len(root) != 32:
        raise NoteInvalid("a root hash has 32 bytes")
    if fields[0] != key.name:
        raise NoteInvalid(f"the checkpoint is of {fields[0]!r}, the pinned key of {key.name!r}")
    return Checkpoint(fields[0], int(fields[1]), root, note)


def unbase64(text: str) -> bytes:
    """Standard base64, strictly. Raises NoteInvalid."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteInvalid("not standard base64") from error


def _cut(note: str) -> tuple[str, list[str]]:
    if len(note) > _MAX_CHARS or any(c < " " and c != "\n" for c in note):
        raise NoteInvalid("too long, or holds control characters")
    text, gap, tail = note.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise NoteInvalid("no signature lines")
    lines = tail[:-1].split("\n")
    if len(lines) > _MAX_LINES:
        raise NoteInvalid(f"over {_MAX_LINES} signatures")
    return text + "\n", lines


def _signature_of(key: LogKey, lines: list[str]) -> bytes:
    """The first signature under this key's name and id; those of others (witnesses) are not ours to judge."""
    for line in lines:
        name, space, encoded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not space:
            raise NoteInvalid("a signature line is a dash, a name and a signature")
        blob = unbase64(encoded)
        if name == key.name and blob[:4] == key.key_id:
            return blob[4:]
    raise NoteInvalid(f"not signed by the pinned key of {key.name}")
