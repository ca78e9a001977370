"""Merkle trees over an append-only list: hashes, inclusion and consistency proofs (RFC 9162 section 2.1).

Pure; the hash is SHA-256. A tree is given by a `Nodes` reader, so that a proof costs O(log n) reads
of stored hashes and never a walk over all leaves. Verification needs no tree, only the proof: it is
what a stranger runs. The steps of `verify_inclusion` and `verify_consistency` carry the numbers of
RFC 9162 sections 2.1.3.2 and 2.1.4.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Nodes: TypeAlias = Callable[[int, int], bytes]
"""`nodes(level, index)` is the 32-byte hash of leaves [index * 2^level, (index + 1) * 2^level), all of
which must lie in the tree; level 0 holds leaf hashes."""


def leaf_hash(data: bytes) -> bytes:
    """The 32-byte hash of one entry: SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The 32-byte hash of two subtrees: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over 2^k neighbouring hashes of one level (k >= 0).

    Raises:
        ValueError: the count is no power of two.
    """
    if len(hashes) & (len(hashes) - 1) or not hashes:
        raise ValueError("a perfect subtree has 2^k hashes")
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def root(nodes: Nodes, size: int) -> bytes:
    """The Merkle tree hash of the first `size` (>= 0) leaves."""
    if size < 0:
        raise ValueError("a tree has no negative size")
    return _range_hash(nodes, 0, size) if size else EMPTY_ROOT


def inclusion_proof(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """The sibling hashes from leaf `index` up to the root of the first `size` leaves, lowest first.

    Raises:
        ValueError: not 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(_range_hash(nodes, middle, end))
            end = middle
        else:
            path.append(_range_hash(nodes, begin, middle))
            begin = middle
    return path[::-1]


def consistency_proof(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """What shows that the tree of `old` leaves is a prefix of the tree of `new` leaves.

    Empty when old is 0 or equals new.

    Raises:
        ValueError: not 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"no proof from {old} leaves to {new}")
    if old in (0, new):
        return []
    path: list[bytes] = []
    begin, end, known = 0, new, True
    while old < end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(_range_hash(nodes, middle, end))
            end = middle
        else:
            path.append(_range_hash(nodes, begin, middle))
            begin, known = middle, False
    if not known:  # the verifier holds the old root, so a subtree that is the whole old tree is left out
        path.append(_range_hash(nodes, begin, end))
    return path[::-1]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], tree_root: bytes) -> bool:
    """Whether `proof` shows the leaf hash `leaf` at `index` in the tree of `size` leaves with this root.

    Never raises on hostile input: any wrong length or range is simply False.
    """
    if not 0 <= index < size or not _all_hashes(leaf, tree_root, *proof):  # 1
        return False
    fn, sn, r = index, size - 1, leaf  # 2, 3
    for p in proof:  # 4
        if sn == 0:  # 4a
            return False
        if fn & 1 or fn == sn:  # 4b
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1  # 4c
    return sn == 0 and r == tree_root  # 5


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows the tree (old, old_root) to be a prefix of the tree (new, new_root).

    Every tree extends the empty one, provided `old_root` is the empty tree's root and the proof is empty.
    Never raises on hostile input: any wrong length or range is simply False.
    """
    if not 0 <= old <= new or not _all_hashes(old_root, new_root, *proof):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if not proof:  # 1
        return False
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)  # 2
    fn, sn = old - 1, new - 1  # 3
    while fn & 1:  # 4
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]  # 5
    for c in path[1:]:  # 6
        if sn == 0:  # 6a
            return False
        if fn & 1 or fn == sn:  # 6b
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1  # 6c
    return sn == 0 and fr == old_root and sr == new_root  # 7


def _split(count: int) -> int:
    """The largest power of two below `count` (>= 2): where RFC 9162 cuts a range."""
    return 1 << (count - 1).bit_length() - 1


def _range_hash(nodes: Nodes, begin: int, end: int) -> bytes:
    """The hash of leaves [begin, end), where begin is a multiple of the largest power of two in the range."""
    parts: list[bytes] = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        parts.append(nodes(level, begin >> level))
        begin += 1 << level
    whole = parts.pop()
    while parts:
        whole = node_hash(parts.pop(), whole)
    return whole


def _all_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_SIZE for value in values)
