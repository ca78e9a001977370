"""Sealing bytes whose end is not known yet, piece by piece: nothing but one piece is ever in memory.

Layout: MAGIC, a nonce, a data key sealed under the house's key with the object's name as associated data,
then the plain bytes in pieces of PIECE, each AES-256-GCM under the data key. A piece's nonce is its number
and whether it is the last one, so pieces cannot be left out, doubled, changed round or cut off.
The name is bound to the data key and not to the pieces: it holds the SHA-256 of all bytes, which is known
only when the last has come. A data key is drawn for each object and used for nothing else.
Source: Hoang, Reyhanitabar, Rogaway & Vizar 2015 (STREAM); the envelope is that of NIST SP 800-57 key
wrapping.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"SPOTSEA1"
PIECE = 1024 * 1024
TAG = 16
_NONCE = 12
_KEY = 32
HEAD = len(MAGIC) + _NONCE + _KEY + TAG
"""Bytes before the first piece."""


class Sealer:
    """Turns plain bytes into sealed pieces as they come. `house`: the cipher under the house's key."""

    def __init__(self, house: AESGCM) -> None:
        self._house = house
        self._key = secrets.token_bytes(_KEY)
        self._cipher = AESGCM(self._key)
        self._waiting = bytearray()
        self._number = 0

    def add(self, data: bytes) -> bytes:
        """The sealed pieces that are complete now. One is always held back: it may be the last."""
        self._waiting += data
        made = []
        while len(self._waiting) > PIECE:
            made.append(self._piece(bytes(self._waiting[:PIECE]), last=False))
            del self._waiting[:PIECE]
        return b"".join(made)

    def end(self) -> bytes:
        """The last piece. Nothing can be added after it."""
        return self._piece(bytes(self._waiting), last=True)

    def head(self, name: bytes) -> bytes:
        """The HEAD bytes that belong before the pieces of the object of this name."""
        nonce = secrets.token_bytes(_NONCE)
        return MAGIC + nonce + self._house.encrypt(nonce, self._key, name)

    def _piece(self, plain: bytes, *, last: bool) -> bytes:
        made = self._cipher.encrypt(_piece_nonce(self._number, last), plain, None)
        self._number += 1
        return made


def unsealed(house: AESGCM, name: bytes, parts: Iterable[bytes]) -> Iterator[bytes]:
    """The plain pieces of a sealed object that comes in parts of any size.

    Raises:
        InvalidTag: another key, another name, or altered, missing or additional bytes. What was given before
            is genuine, but not all there was.
    """
    held, number = bytearray(), 0
    cipher: AESGCM | None = None
    for part in parts:
        held += part
        if cipher is None and len(held) >= HEAD:
            cipher = _cipher(house, name, bytes(held[:HEAD]))
            del held[:HEAD]
        while cipher is not None and len(held) > PIECE + TAG:
            yield cipher.decrypt(_piece_nonce(number, last=False), bytes(held[: PIECE + TAG]), None)
            del held[: PIECE + TAG]
            number += 1
    if cipher is None:
        raise InvalidTag
    yield cipher.decrypt(_piece_nonce(number, last=True), bytes(held), None)


def _cipher(house: AESGCM, name: bytes, head: bytes) -> AESGCM:
    if not head.startswith(MAGIC):
        raise InvalidTag
    nonce, wrapped = head[len(MAGIC) :][:_NONCE], head[len(MAGIC) + _NONCE :]
    return AESGCM(house.decrypt(nonce, wrapped, name))


def _piece_nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(_NONCE - 1, "big") + bytes([last])
