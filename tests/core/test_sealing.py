"""Sealing in pieces: what comes out is what went in, whole, in order and under its own name, or nothing."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.sealing import HEAD, PIECE, TAG, Sealer, unsealed

HOUSE = AESGCM(bytes(range(32)))
NAME = b"originals/ab"
FRAME = PIECE + TAG


def sealed(data: bytes, name: bytes = NAME, step: int = 300_000) -> bytes:
    sealer = Sealer(HOUSE)
    pieces = [sealer.add(data[at : at + step]) for at in range(0, len(data), step)]
    return sealer.head(name) + b"".join([*pieces, sealer.end()])


def opened(box: bytes, name: bytes = NAME, step: int = 70_000) -> bytes:
    def parts() -> Iterator[bytes]:
        for at in range(0, len(box), step):
            yield box[at : at + step]

    return b"".join(unsealed(HOUSE, name, parts()))


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 77])
@pytest.mark.parametrize("step", [1_000, 70_000, FRAME, 10 * FRAME])
def test_what_is_sealed_opens(size: int, step: int) -> None:
    data = secrets.token_bytes(size)
    assert opened(sealed(data), step=step) == data
    assert opened(sealed(data, step=size or 1), step=step) == data


def test_a_piece_is_given_before_the_next_has_come() -> None:
    """So that no more than two pieces need be held, however large the object is."""
    box = sealed(secrets.token_bytes(5 * PIECE))
    taken = 0

    def parts() -> Iterator[bytes]:
        nonlocal taken
        for at in range(0, len(box), 65_536):
            taken += 65_536
            yield box[at : at + 65_536]

    for number, piece in enumerate(unsealed(HOUSE, NAME, parts())):
        assert len(piece) == PIECE
        assert taken <= HEAD + (number + 1) * FRAME + 2 * 65_536


BENT: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda box: b"",
    "only the head": lambda box: box[:HEAD],
    "half a head": lambda box: box[: HEAD // 2],
    "cut at a piece": lambda box: box[: HEAD + FRAME],
    "cut in a piece": lambda box: box[: HEAD + FRAME + 100],
    "the last byte gone": lambda box: box[:-1],
    "a byte more": lambda box: box + b"x",
    "the last piece twice": lambda box: box + box[HEAD + 2 * FRAME :],
    "pieces changed round": lambda box: (
        box[:HEAD] + box[HEAD + FRAME :][:FRAME] + box[HEAD:][:FRAME] + box[HEAD + 2 * FRAME :]
    ),
    "a piece left out": lambda box: box[: HEAD + FRAME] + box[HEAD + 2 * FRAME :],
    "a bit of the key": lambda box: box[:30] + bytes([box[30] ^ 1]) + box[31:],
    "a bit of a piece": lambda box: box[:-40] + bytes([box[-40] ^ 1]) + box[-39:],
    "another head": lambda box: sealed(b"other")[:HEAD] + box[HEAD:],
    "no magic": lambda box: b"X" + box[1:],
}


@pytest.mark.parametrize("how", BENT)
def test_what_was_bent_does_not_open(how: str) -> None:
    box = sealed(secrets.token_bytes(2 * PIECE + 500))
    assert len(opened(box)) == 2 * PIECE + 500
    with pytest.raises(InvalidTag):
        opened(BENT[how](box))


def test_another_name_or_key_does_not_open() -> None:
    box = sealed(b"some bytes")
    with pytest.raises(InvalidTag):
        opened(box, b"looks/ab")
    with pytest.raises(InvalidTag):
        list(unsealed(AESGCM(bytes(32)), NAME, [box]))
