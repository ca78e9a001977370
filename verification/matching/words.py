"""Local features as words: what a part of a picture is found by, wherever it was cut out.

A descriptor (`registration.Features`) becomes the number of the cell it falls into, and 64 signs by which
neighbours in a cell are told apart (Hamming embedding: Jégou, Douze & Schmid, "Hamming embedding and weak
geometric consistency for large scale image search", ECCV 2008). The cells are a product of two codebooks,
one for each half of the descriptor (Babenko & Lempitsky, "The inverted multi-index", CVPR 2012), of 256
directions drawn at random: XFeat's descriptors fill their space so evenly that codebooks learnt from
photographs found halves of pictures no better (n = 36 photographs among 10,000 simulated ones).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from verification.matching.registration import LONG_SIDE, Features, Floats

Entries = npt.NDArray[np.void]
Numbers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

ENTRY = np.dtype([("cell", "<u2"), ("x", "u1"), ("y", "u1"), ("signs", "<u8")])
"""A feature as it is stored, 12 bytes: its cell, its place in units of STEP pixels, its signs."""
KEPT = 240  # features of a picture: 2.9 KB
BURST = (
    6  # features of a picture in one cell: windows and tiles say no more by the hundred (Jegou et al. 2009)
)
STEP = 4  # pixels
CELLS = 3  # of each half that a feature is sought in: nine cells
_GRID = 4  # the features kept are spread over so many rows and columns
_BOOK = 256
_MEAN: Floats = np.array(
    [
        *(15, -2, -1, -6, -2, -8, -9, -5, 1, 8, -3, 10, 9, -1, 3, 10, -13, -3, 3, -1, -15, 5, -3, -2),
        *(-8, -12, 5, 18, 4, -9, -6, -6, 7, 5, 0, -1, 3, 15, 16, -11, 6, -12, 19, 3, -3, 6, 0, -5, 7),
        *(1, 4, 3, -5, 0, 6, 4, -8, -1, 3, -4, -9, -6, 2, 7),
    ],
    dtype=np.float32,
) / np.float32(100)
"""The mean descriptor of 129,024 features of 126 photographs."""


def _books() -> Floats:
    """Unit directions float32[2, _BOOK, 32]; this old generator's numbers never change."""
    drawn = np.random.RandomState(5).standard_normal((2, _BOOK, 32))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=2, keepdims=True), dtype=np.float32)


_DIRECTIONS: Floats = _books()


def cells(descriptors: Floats, count: int) -> Numbers:
    """The nearest cells of float32[n, 64]: int64[n, count ** 2], `count` of each half."""
    centred = descriptors - _MEAN
    first, second = (
        np.argpartition(-(centred[:, half] @ book.T), count - 1, axis=1)[:, :count]
        for half, book in zip((slice(0, 32), slice(32, 64)), _DIRECTIONS, strict=True)
    )
    pairs: Numbers = (first[:, :, None] * _BOOK + second[:, None, :]).reshape(len(descriptors), count**2)
    return pairs


def signs(descriptors: Floats) -> Words:
    """uint64[n] of float32[n, 64]: one bit a dimension, above the mean or not."""
    packed = np.packbits(descriptors > _MEAN, axis=1, bitorder="little")
    return np.ascontiguousarray(packed).view("<u8")[:, 0].astype(np.uint64)


def entries(features: Features) -> Entries:
    """What a picture is remembered by: ENTRY[n], n <= KEPT, the strongest of each part, BURST of a cell.

    The picture is a Look's: no side is longer than LONG_SIDE.
    """
    if max(features.width, features.height) > LONG_SIDE:
        raise ValueError(f"a picture of {features.width} x {features.height}")
    spread, own = _spread(features), cells(features.descriptors, 1)[:, 0]
    chosen = spread[seldom(own[spread])][:KEPT]
    made = np.zeros(len(chosen), ENTRY)
    made["cell"], made["signs"] = own[chosen], signs(features.descriptors[chosen])
    place = np.clip(features.xy[chosen] / STEP, 0, 255).astype(np.uint8)
    made["x"], made["y"] = place[:, 0], place[:, 1]
    return made


def seldom(own: Numbers) -> npt.NDArray[np.bool_]:
    """Which of features with these cells int64[n] are among the first BURST of their cell."""
    order = np.argsort(own, kind="stable")
    first = np.searchsorted(own[order], own[order], "left")
    kept = np.zeros(len(own), bool)
    kept[order] = np.arange(len(own)) - first < BURST
    return kept


def _spread(features: Features) -> Numbers:
    """The order in which features are kept: the strongest of every field of a grid, then the second, and so
    on."""
    size = np.array([features.width, features.height], dtype=np.float32)
    field = np.clip(features.xy * _GRID / size, 0, _GRID - 1).astype(np.int64)
    number = field[:, 1] * _GRID + field[:, 0]
    rank = np.zeros(len(number), np.int64)
    for each in range(_GRID * _GRID):
        members = np.flatnonzero(number == each)
        rank[members] = np.arange(len(members))
    order: Numbers = np.argsort(rank, kind="stable")
    return order
