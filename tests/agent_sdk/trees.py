"""A Merkle log built by the letter of RFC 9162 section 2.1: slow, recursive, independent of what it tests."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def mth(leaves: Sequence[bytes]) -> bytes:
    """MTH of section 2.1.1, over leaf data."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = _split(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PROOF of section 2.1.4.1, 0 < m < n."""
    return _subproof(m, leaves, whole=True)


def _subproof(m: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = _split(len(leaves))
    if m <= k:
        return [*_subproof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*_subproof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


def _split(n: int) -> int:
    return 1 << (n - 1).bit_length() - 1


class Log:
    """A signing log of opaque leaves."""

    def __init__(self, name: str = "log.example/test", seed: bytes = b"7" * 32) -> None:
        self.name, self.leaves = name, list[bytes]()
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        blob = b"\x01" + raw
        self.key_id = hashlib.sha256(name.encode() + b"\n" + blob).digest()[:4]
        self.vkey = f"{name}+{self.key_id.hex()}+{base64.b64encode(blob).decode()}"

    def checkpoint(self, size: int | None = None) -> str:
        """The signed note of the first `size` leaves."""
        size = len(self.leaves) if size is None else size
        root = base64.b64encode(mth(self.leaves[:size])).decode()
        return self.sign(f"{self.name}\n{size}\n{root}\n")

    def sign(self, text: str) -> str:
        """Any text as a signed note."""
        signature = base64.b64encode(self.key_id + self._key.sign(text.encode())).decode()
        return f"{text}\n\N{EM DASH} {self.name} {signature}\n"

    def inclusion(self, index: int, size: int) -> list[str]:
        """Base64 inclusion proof."""
        return [base64.b64encode(node).decode() for node in path(index, self.leaves[:size])]

    def consistency(self, old: int, new: int) -> list[str]:
        """Base64 consistency proof."""
        nodes = proof(old, self.leaves[:new]) if 0 < old < new else []
        return [base64.b64encode(node).decode() for node in nodes]
