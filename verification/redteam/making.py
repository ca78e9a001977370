"""Making one sample: which photograph stands for the scene, which writer, which chance.

Sample (family, tier, index, seed) is always the same capture.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np

from verification.context import Context
from verification.redteam.photographs import Photograph, Shelf
from verification.redteam.registry import Recipe, recipes
from verification.redteam.workshop import Reply, Sample, Workshop
from verification.standalone import Standalone

MODES = ("web", "native")


def by_name(name: str) -> Recipe:
    """The family of that name. Raises KeyError where there is none."""
    return {recipe.name: recipe for recipe in recipes()}[name]


def make(
    recipe: Recipe, tier: int, index: int, seed: int, shelf: Shelf, standalone: Standalone | None
) -> tuple[Workshop, Sample]:
    """One sample. Without a judge an adaptive family cannot be made."""

    def oracle(context: Context) -> Reply:
        if standalone is None:
            raise RuntimeError("an adaptive family needs a judge")
        report = standalone.examine(context)
        return Reply(report.verdict, report.reasons)

    rng = np.random.default_rng([seed, zlib.crc32(recipe.name.encode()), tier, index])
    bases = _order(shelf.real, seed)
    mode = MODES[(index + index // len(bases)) % len(MODES)]
    base = bases[(index + first_base(recipe, len(bases))) % len(bases)]
    bench = Workshop(rng, base, shelf, recipe.split.value, mode, tier, oracle)
    return bench, recipe.make(bench)


def first_base(recipe: Recipe, bases: int) -> int:
    """At which of so many bases a family begins: each at its own."""
    return zlib.crc32(recipe.name.encode()) % bases


@lru_cache(maxsize=4)
def _order(photos: tuple[Photograph, ...], seed: int) -> tuple[Photograph, ...]:
    """The bases in the order in which they are used."""
    return tuple(photos[i] for i in np.random.default_rng([seed, 0]).permutation(len(photos)))
