"""Checking proofs of an append-only Merkle tree (RFC 9162 section 2.1; the tree of RFC 6962).

Only what a verifier needs: no tree is built. The numbers in the comments are those of the RFC's
verification algorithms. Vectors: tests/agent_sdk/test_merkle.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


class ProofInvalid(ValueError):
    """The proof does not lead to the stated root."""


def leaf_hash(data: bytes) -> bytes:
    """The 32-byte hash of a leaf's data."""
    return hashlib.sha256(b"\x00" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Shows that the leaf with hash `leaf` is number `index` (from 0) of the `size` leaves under `root`.

    Raises:
        ProofInvalid: it does not show that.
    """
    # RFC 9162 section 2.1.3.2
    if not 0 <= index < size:  # 1
        raise ProofInvalid(f"leaf {index} is not in a tree of {size}")
    fn, sn, r = index, size - 1, leaf  # 2, 3
    for p in proof:  # 4
        if sn == 0:  # 4.1
            raise ProofInvalid("the proof is too long")
        if fn & 1 or fn == sn:  # 4.2
            r = _node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = _node(r, p)
        fn, sn = fn >> 1, sn >> 1  # 4.3
    if sn != 0:  # 5
        raise ProofInvalid("the proof is too short")
    if r != root:
        raise ProofInvalid("the proof leads to another root")


def verify_consistency(  # noqa: PLR0912  (the RFC's steps, in the RFC's order)
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Shows that the tree of `old` leaves under `old_root` is a prefix of the tree of `new` under `new_root`.

    Raises:
        ProofInvalid: it does not show that.
    """
    if not 0 <= old <= new:
        raise ProofInvalid(f"a tree of {old} is no prefix of a tree of {new}")
    if old in (0, new):
        if proof or (old == new and old_root != new_root):
            raise ProofInvalid("equal sizes need equal roots, and neither they nor an empty tree a proof")
        return
    # RFC 9162 section 2.1.4.2
    if not proof:  # 1
        raise ProofInvalid("the proof is empty")
    path = list(proof)
    if old & (old - 1) == 0:  # 2
        path.insert(0, old_root)
    fn, sn = old - 1, new - 1  # 3
    while fn & 1:  # 4
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]  # 5
    for c in path[1:]:  # 6
        if sn == 0:  # 6.1
            raise ProofInvalid("the proof is too long")
        if fn & 1 or fn == sn:  # 6.2
            fr, sr = _node(c, fr), _node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = _node(sr, c)
        fn, sn = fn >> 1, sn >> 1  # 6.3
    if sn != 0:  # 7
        raise ProofInvalid("the proof is too short")
    if fr != old_root or sr != new_root:
        raise ProofInvalid("the proof leads to other roots")
