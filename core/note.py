"""Signed notes and log checkpoints: the text a log signs, and the key line by which others check it.

Formats: c2sp.org/signed-note (Ed25519 only, signature type 0x01) and c2sp.org/tlog-checkpoint.
A verifier key ("vkey") is one line, `name+hhhhhhhh+base64`, as golang.org/x/mod/sumdb/note writes it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

_ED25519 = b"\x01"
_DASH = "\N{EM DASH} "
_MAX_NOTE_CHARS = 1_000_000
_MAX_SIGNATURES = 100
_SIZE = re.compile(r"^(0|[1-9][0-9]{0,18})$")


class BadNote(ValueError):
    """A note, checkpoint or verifier key that is malformed, or whose known signature does not verify."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Who may have signed: a key name and a raw 32-byte Ed25519 public key."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.public_key) != 32:
            raise BadNote("an Ed25519 public key has 32 bytes")

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || newline || type || key): a hint, not a strong hash."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as one line to publish: `name+hhhhhhhh+base64(0x01 || key)`."""
        encoded = base64.b64encode(_ED25519 + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Reads a vkey line.

        Raises:
            BadNote: another shape or algorithm, or a key id that does not fit name and key.
        """
        parts = vkey.split("+", 2)
        if len(parts) != 3:
            raise BadNote("a verifier key is name+id+base64")
        name, key_id, encoded = parts
        key = _unbase64(encoded)
        if key[:1] != _ED25519:
            raise BadNote("only Ed25519 verifier keys (type 0x01) are known")
        verifier = cls(name, key[1:])
        if verifier.key_id.hex() != key_id:
            raise BadNote("the key id does not fit the name and key")
        return verifier


@dataclass(frozen=True, slots=True)
class Signer:
    """A named Ed25519 key that signs notes. `name` is also a log's origin line."""

    name: str
    key: Ed25519PrivateKey = field(repr=False)

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, text: str) -> str:
        """The signed note over `text`.

        Raises:
            BadNote: the text does not end in a newline, or holds another control character.
        """
        if not text.endswith("\n") or _has_controls(text):
            raise BadNote("note text ends in a newline and holds no other control character")
        signature = base64.b64encode(self.verifier.key_id + self.key.sign(text.encode())).decode()
        return f"{text}\n{_DASH}{self.name} {signature}\n"


def open_note(note: str, known: Verifier) -> str:
    """The text of a note, once `known` is shown to have signed it.

    Signatures by other keys are ignored, as the format asks.

    Raises:
        BadNote: malformed, not signed by `known`, or its signature does not verify.
    """
    text, lines = _cut(note)
    verified = False
    for line in lines:
        name, key_id, signature = _read_signature(line)
        if (name, key_id) != (known.name, known.key_id) or verified:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(known.public_key).verify(signature, text.encode())
        except InvalidSignature as error:
            raise BadNote(f"the signature by {name} does not verify") from error
        verified = True
    if not verified:
        raise BadNote(f"not signed by {known.name}")
    return text


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's tree head: who (`origin`), how many leaves (`size` >= 0), and their 32-byte `root`."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note text: three lines."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Reads the note text; extension lines are allowed and ignored.

        Raises:
            BadNote: fewer than three lines, an empty line, a size with leading zeros, a root that is not
                32 bytes of base64.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise BadNote("a checkpoint is at least three non-empty lines")
        if not _SIZE.match(lines[1]):
            raise BadNote("the tree size is a plain decimal number")
        root = _unbase64(lines[2])
        if len(root) != 32:
            raise BadNote("the root hash has 32 bytes")
        return cls(lines[0], int(lines[1]), root)


def load_or_make_key(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 key in the PEM file at `path`; made there, mode 0600, when there is none yet.

    Two processes that start at once end with one key: the file appears whole, by a link that only one wins.

    Raises:
        ValueError: the file holds no unencrypted private key in PEM.
        TypeError: it holds a key of another kind, or an encrypted one.
    """
    if not path.exists():
        _make_key(path)
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{path} holds no Ed25519 key")
    return key


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _cut(note: str) -> tuple[str, list[str]]:
    """Text and signature lines: the last empty line parts them."""
    if len(note) > _MAX_NOTE_CHARS or _has_controls(note):
        raise BadNote("too long, or holds control characters")
    text, gap, signatures = note.rpartition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise BadNote("no signature lines")
    lines = signatures[:-1].split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise BadNote(f"over {_MAX_SIGNATURES} signatures")
    return text + "\n", lines


def _read_signature(line: str) -> tuple[str, bytes, bytes]:
    if not line.startswith(_DASH):
        raise BadNote("a signature line begins with a dash")
    name, space, encoded = line[len(_DASH) :].partition(" ")
    if not space:
        raise BadNote("a signature line has a name and a signature")
    _check_name(name)
    blob = _unbase64(encoded)
    if len(blob) < 5:
        raise BadNote("a signature is a key id and at least one byte")
    return name, blob[:4], blob[4:]


def _check_name(name: str) -> None:
    if not name or "+" in name or any(c.isspace() or unicodedata.category(c) == "Cc" for c in name):
        raise BadNote("a key name is not empty and holds no space and no plus")


def _has_controls(text: str) -> bool:
    return any(c < " " and c != "\n" for c in text)


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote("not standard base64") from error
