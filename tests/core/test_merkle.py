"""The tree against published vectors, and against a second implementation that is slow and obvious.

The vectors are those of Certificate Transparency's reference tree, as kept in transparency-dev/merkle
(Apache-2.0), proof/verify_test.go and rfc6962/rfc6962_test.go; the seven-leaf paths are those of
c2sp.org/merkle-tree. Indices here count from 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import merkle

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
CONSISTENCY = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
    (
        6,
        7,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
]


def slow_root(leaves: Sequence[bytes]) -> bytes:
    """MTH straight from the recursive definition in RFC 9162 section 2.1.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    cut = slow_cut(len(leaves))
    return hashlib.sha256(b"\x01" + slow_root(leaves[:cut]) + slow_root(leaves[cut:])).digest()


def slow_cut(count: int) -> int:
    cut = 1
    while cut * 2 < count:
        cut *= 2
    return cut


def slow_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH straight from RFC 9162 section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    cut = slow_cut(len(leaves))
    if index < cut:
        return [*slow_path(index, leaves[:cut]), slow_root(leaves[cut:])]
    return [*slow_path(index - cut, leaves[cut:]), slow_root(leaves[:cut])]


def slow_subproof(old: int, leaves: Sequence[bytes], known: bool = True) -> list[bytes]:
    """SUBPROOF straight from RFC 9162 section 2.1.4.1."""
    if old == len(leaves):
        return [] if known else [slow_root(leaves)]
    cut = slow_cut(len(leaves))
    if old <= cut:
        return [*slow_subproof(old, leaves[:cut], known), slow_root(leaves[cut:])]
    return [*slow_subproof(old - cut, leaves[cut:], False), slow_root(leaves[:cut])]


class Forest:
    """Subtree hashes of a list of leaves, counting how many were asked for."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.rows = [[merkle.leaf_hash(leaf) for leaf in leaves]]
        self.reads = 0
        while len(self.rows[-1]) > 1:
            low = self.rows[-1]
            self.rows.append([merkle.node_hash(low[i], low[i + 1]) for i in range(0, len(low) - 1, 2)])

    def __call__(self, level: int, index: int) -> bytes:
        self.reads += 1
        return self.rows[level][index]


def hashes(texts: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def numbered(count: int) -> list[bytes]:
    return [str(n).encode() for n in range(count)]


def flip(value: bytes, bit: int) -> bytes:
    place, shift = divmod(bit % (8 * len(value)), 8)
    return value[:place] + bytes([value[place] ^ 1 << shift]) + value[place + 1 :]


def test_single_hashes() -> None:
    assert merkle.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    leaf = "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert merkle.leaf_hash(b"L123456").hex() == leaf
    node = "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    assert merkle.node_hash(b"N123", b"N456").hex() == node


def test_published_roots() -> None:
    nodes = Forest(LEAVES)
    assert [merkle.root(nodes, size).hex() for size in range(1, 9)] == ROOTS
    assert merkle.root(nodes, 0) == merkle.EMPTY_ROOT


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_published_inclusion_proofs(index: int, size: int, proof: list[str]) -> None:
    assert merkle.inclusion_proof(Forest(LEAVES), index, size) == hashes(proof)
    leaf, root = merkle.leaf_hash(LEAVES[index]), bytes.fromhex(ROOTS[size - 1])
    assert merkle.verify_inclusion(index, size, leaf, hashes(proof), root)


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCY)
def test_published_consistency_proofs(old: int, new: int, proof: list[str]) -> None:
    assert merkle.consistency_proof(Forest(LEAVES), old, new) == hashes(proof)
    roots = (bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[new - 1]))
    assert merkle.verify_consistency(old, new, *roots, hashes(proof))


def test_the_seven_leaf_example_of_c2sp() -> None:
    a, b, c, d, e, f, g = (merkle.leaf_hash(leaf) for leaf in LEAVES[:7])
    h, i, j = merkle.node_hash(a, b), merkle.node_hash(c, d), merkle.node_hash(e, f)
    k, right = merkle.node_hash(h, i), merkle.node_hash(j, g)
    nodes = Forest(LEAVES[:7])
    paths = {0: [b, i, right], 3: [c, h, right], 4: [f, g, k], 6: [j, k]}
    assert {n: merkle.inclusion_proof(nodes, n, 7) for n in paths} == paths
    growth = {3: [c, d, h, right], 4: [right], 6: [j, g, k]}
    assert {n: merkle.consistency_proof(nodes, n, 7) for n in growth} == growth


@given(size=st.integers(1, 70), data=st.data())
def test_inclusion_equals_the_definition(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = numbered(size)
    proof = merkle.inclusion_proof(Forest(leaves), index, size)
    assert proof == slow_path(index, leaves)
    assert merkle.verify_inclusion(index, size, merkle.leaf_hash(leaves[index]), proof, slow_root(leaves))


@given(new=st.integers(0, 70), data=st.data())
def test_consistency_equals_the_definition(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, new))
    leaves = numbered(new)
    proof = merkle.consistency_proof(Forest(leaves), old, new)
    assert proof == (slow_subproof(old, leaves) if old else [])
    assert merkle.verify_consistency(old, new, slow_root(leaves[:old]), slow_root(leaves), proof)


@given(size=st.integers(1, 40), bit=st.integers(0, 255), data=st.data())
def test_a_forged_inclusion_is_refused(size: int, bit: int, data: st.DataObject) -> None:
    """As the reference suite does: wrong leaf, root, place, length, and every proof element altered."""
    index = data.draw(st.integers(0, size - 1))
    leaves = numbered(size)
    leaf, root = merkle.leaf_hash(leaves[index]), slow_root(leaves)
    proof = slow_path(index, leaves)
    altered = [[*proof[:n], flip(p, bit), *proof[n + 1 :]] for n, p in enumerate(proof)]
    for wrong in [*altered, [*proof, root], [root, *proof], [*proof, b""], *([proof[:-1]] if proof else [])]:
        assert not merkle.verify_inclusion(index, size, leaf, wrong, root)
    assert not merkle.verify_inclusion(index, size, flip(leaf, bit), proof, root)
    assert not merkle.verify_inclusion(index, size, leaf, proof, flip(root, bit))
    assert not merkle.verify_inclusion(index, size, b"short", proof, root)
    for other in range(-1, size + 1):
        assert other == index or not merkle.verify_inclusion(other, size, leaf, proof, root)


@given(new=st.integers(2, 40), bit=st.integers(0, 255), data=st.data())
def test_a_forged_consistency_is_refused(new: int, bit: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new - 1))
    leaves = numbered(new)
    first, last = slow_root(leaves[:old]), slow_root(leaves)
    proof = slow_subproof(old, leaves)
    altered = [[*proof[:n], flip(p, bit), *proof[n + 1 :]] for n, p in enumerate(proof)]
    for wrong in [*altered, [], proof[:-1], [*proof, last], [first, *proof], [*proof, b""]]:
        assert not merkle.verify_consistency(old, new, first, last, wrong)
    assert not merkle.verify_consistency(old, new, flip(first, bit), last, proof)
    assert not merkle.verify_consistency(old, new, first, flip(last, bit), proof)
    assert not merkle.verify_consistency(old, new, last, first, proof)
    assert not merkle.verify_consistency(new, old, first, last, proof)


def test_a_rewritten_history_has_no_proof() -> None:
    honest, rewritten = numbered(12), [b"x", *numbered(12)[1:]]
    proof = merkle.consistency_proof(Forest(rewritten), 8, 12)
    assert not merkle.verify_consistency(8, 12, slow_root(honest[:8]), slow_root(rewritten), proof)


def test_only_the_true_empty_root_precedes_everything() -> None:
    root = slow_root(numbered(3))
    assert merkle.verify_consistency(0, 3, merkle.EMPTY_ROOT, root, [])
    assert not merkle.verify_consistency(0, 3, root, root, [])
    assert not merkle.verify_consistency(0, 3, merkle.EMPTY_ROOT, root, [root])
    assert not merkle.verify_consistency(3, 3, root, merkle.EMPTY_ROOT, [])


def test_a_proof_reads_few_hashes() -> None:
    nodes = Forest(numbered(4095))  # the worst shape: twelve perfect subtrees
    merkle.inclusion_proof(nodes, 4094, 4095)
    merkle.consistency_proof(nodes, 4000, 4095)
    assert nodes.reads <= 4 * 12


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_inclusion_proof_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        merkle.inclusion_proof(Forest(numbered(3)), index, size)


def test_bad_ranges_are_refused() -> None:
    nodes = Forest(numbered(3))
    with pytest.raises(ValueError, match="no proof"):
        merkle.consistency_proof(nodes, 3, 2)
    with pytest.raises(ValueError, match="negative"):
        merkle.root(nodes, -1)
    with pytest.raises(ValueError, match="2\\^k"):
        merkle.perfect_root([b""] * 3)
