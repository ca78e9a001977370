"""How families are found: each file of `families/` declares one with `@family`.

A new cheat is one new file. Its docstring says what the cheat does and with what means; its name is the
row of the published table. Families to learn from (`split="calibration"`) and families reported never
share a name, a parameter or a photograph.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from verification.frauds import Fraud

if TYPE_CHECKING:
    from verification.redteam.workshop import Sample, Workshop

Make = Callable[["Workshop"], "Sample"]


class Stratum(StrEnum):
    """Kinds of family; figures of different strata are never pooled."""

    PROTOCOL = "protocol"
    REUSE = "reuse"
    SIGHTED = "sighted"
    ADAPTIVE = "adaptive"
    HONEST = "honest"


class Split(StrEnum):
    """What a family's samples are for."""

    REPORTED = "reported"
    CALIBRATION = "calibration"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One registered family.

    Attributes:
        fraud: what is false about its samples; None of an honest one.
        tiers: tiers of bounty at which it is tried; the first is the one its stratum's bar speaks of.
        needs: what the photographs must offer besides real ones: "ai" (generated stills), "places"
            (several views of one place); without it the family is left out, and the table says so.
        thin: one sample for so many of the run's n: an adaptive sample is twenty captures.
        make: from a workshop to a sample.
    """

    name: str
    stratum: Stratum
    split: Split
    fraud: Fraud | None
    tiers: tuple[int, ...]
    needs: frozenset[str]
    thin: int
    make: Make

    @property
    def genuine(self) -> bool:
        """Whether its samples are honest captures."""
        return self.fraud is None


_RECIPES: dict[str, Recipe] = {}
_FRAUDS = {Stratum.PROTOCOL: Fraud.FORGED, Stratum.REUSE: Fraud.COPIED}


def family(
    name: str,
    *,
    stratum: str,
    fraud: str = "",
    split: str = "reported",
    tiers: tuple[int, ...] = (0,),
    needs: Collection[str] = (),
    thin: int = 1,
) -> Callable[[Make], Make]:
    """Registers a family under a name of its own.

    Args:
        fraud: what is false; may be left out where the stratum says it: protocol attacks are forged, reuse is
            copied.

    Raises:
        ValueError: the name is taken, or the stratum, the fraud or the split is unknown or missing.
    """
    kind = Stratum(stratum)
    false = None if kind is Stratum.HONEST else Fraud(fraud) if fraud else _FRAUDS[kind]

    def register(make: Make) -> Make:
        if name in _RECIPES:
            raise ValueError(f"two families are called {name}")
        _RECIPES[name] = Recipe(name, kind, Split(split), false, tiers, frozenset(needs), thin, make)
        return make

    return register


@lru_cache(maxsize=1)
def recipes() -> tuple[Recipe, ...]:
    """All families, by stratum and name."""
    folder = importlib.import_module("verification.redteam.families")
    for module in pkgutil.walk_packages(folder.__path__, folder.__name__ + "."):
        importlib.import_module(module.name)
    order = list(Stratum)
    return tuple(sorted(_RECIPES.values(), key=lambda item: (order.index(item.stratum), item.name)))
