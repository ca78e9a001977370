"""The SDK's proofs against the Certificate Transparency reference tree, and against the RFC's own recursion.

The eight leaves, their roots and the proofs are those published with transparency-dev/merkle (testdata/,
Apache-2.0), the reference tree of Certificate Transparency since 2012.
"""

from __future__ import annotations

import base64

import pytest

from agent_sdk._merkle import ProofInvalid, leaf_hash, verify_consistency, verify_inclusion
from tests.agent_sdk import trees

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
    bytes.fromhex(text)
    for text in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
INCLUSION = [  # leaf, size, proof
    (
        0,
        8,
        [
            "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
            "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=",
        ],
    ),
    (
        5,
        8,
        [
            "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
            "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=",
            "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
        ],
    ),
    (
        1,
        5,
        [
            "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=",
            "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
        ],
    ),
]
CONSISTENCY = [  # old, new, proof
    (
        1,
        8,
        [
            "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
            "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=",
        ],
    ),
    (
        2,
        5,
        [
            "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
        ],
    ),
    (
        6,
        7,
        [
            "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=",
            "sIaT7C5yFZcTBkHoIR5+7cy0wmQTlj7ubB4u0W/7Gl8=",
            "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
        ],
    ),
]


def _nodes(proof: list[str]) -> list[bytes]:
    return [base64.b64decode(node) for node in proof]


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_published_inclusion_proofs_hold_and_no_neighbour_of_them_does(
    index: int, size: int, proof: list[str]
) -> None:
    nodes, leaf, root = _nodes(proof), leaf_hash(LEAVES[index]), ROOTS[size - 1]
    verify_inclusion(index, size, leaf, nodes, root)
    wrong = [
        (index + 1, size, leaf, nodes, root),
        (index - 1, size, leaf, nodes, root),
        (index ^ 2, size, leaf, nodes, root),
        (index, size * 2, leaf, nodes, root),
        (index, size // 2, leaf, nodes, root),
        (index, size, leaf_hash(b"wrong"), nodes, root),
        (index, size, leaf, nodes, b""),
        (index, size, leaf, nodes, leaf_hash(b"random")),
        (index, size, leaf, [*nodes, b""], root),
        (index, size, leaf, [*nodes, root], root),
        (index, size, leaf, [root, *nodes], root),
        (index, size, leaf, nodes[:-1], root),
        (index, size, leaf, [], root),
        *((index, size, leaf, _flip(nodes, i), root) for i in range(len(nodes))),
    ]
    for case in wrong:
        with pytest.raises(ProofInvalid):
            verify_inclusion(*case)


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCY)
def test_published_consistency_proofs_hold_and_no_neighbour_of_them_does(
    old: int, new: int, proof: list[str]
) -> None:
    nodes, before, after = _nodes(proof), ROOTS[old - 1], ROOTS[new - 1]
    verify_consistency(old, new, before, after, nodes)
    wrong = [
        (old - 1, new, before, after, nodes),
        (old + 1, new, before, after, nodes),
        (old ^ 2, new, before, after, nodes),
        (old, new * 2, before, after, nodes),
        (old, new // 2, before, after, nodes),
        (old, new, after, before, nodes),
        (old, new, leaf_hash(b"wrong"), after, nodes),
        (old, new, before, leaf_hash(b"wrong"), nodes),
        (old, new, before, after, []),
        (old, new, before, after, nodes[:-1]),
        (old, new, before, after, [*nodes, before]),
        (old, new, before, after, [*nodes, after]),
        (old, new, before, after, [before, *nodes]),
        (old, new, before, after, [b"", *nodes]),
        *((old, new, before, after, _flip(nodes, i)) for i in range(len(nodes))),
    ]
    for case in wrong:
        with pytest.raises(ProofInvalid):
            verify_consistency(*case)


def test_every_leaf_and_prefix_of_every_tree_up_to_33_leaves() -> None:
    leaves = [bytes([i, 255 - i]) for i in range(33)]
    for size in range(1, 34):
        tree = leaves[:size]
        root = trees.mth(tree)
        for index in range(size):
            verify_inclusion(index, size, leaf_hash(tree[index]), trees.path(index, tree), root)
        for old in range(1, size):
            verify_consistency(old, size, trees.mth(tree[:old]), root, trees.proof(old, tree))


def test_the_recursion_has_the_published_roots() -> None:
    assert [trees.mth(LEAVES[: i + 1]) for i in range(8)] == ROOTS


def test_equal_sizes_need_equal_roots() -> None:
    verify_consistency(8, 8, ROOTS[7], ROOTS[7], [])
    verify_consistency(0, 8, trees.mth([]), ROOTS[7], [])
    with pytest.raises(ProofInvalid):
        verify_consistency(8, 8, ROOTS[7], ROOTS[6], [])
    with pytest.raises(ProofInvalid):
        verify_consistency(8, 7, ROOTS[7], ROOTS[6], [])


def _flip(nodes: list[bytes], at: int) -> list[bytes]:
    changed = list(nodes)
    changed[at] = bytes([changed[at][0] ^ 0x10]) + changed[at][1:]
    return changed
