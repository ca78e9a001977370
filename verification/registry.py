"""How checks are found: each file of `verification/checks/` declares its checks with `@check`.

A new check is one new file. `registered()` imports every module of that folder once and returns
the checks, cheap first, in a fixed order.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from verification.evidence import Family, Outcome

if TYPE_CHECKING:
    from verification.case import Case

CheckFunction = Callable[["Case"], Outcome]


@dataclass(frozen=True, slots=True)
class Check:
    """One registered check.

    Attributes:
        cost: 0 needs no pixels (and `decode`, which makes them), 1 reads pixels, 2 runs a net. Cheap first.
        kinds: capture kinds it speaks about ("photo", "video", "stream").
        bounds: the smallest and largest log-likelihood ratio it may claim (nats).
    """

    name: str
    version: str
    family: Family
    cost: int
    kinds: frozenset[str]
    bounds: tuple[float, float]
    run: CheckFunction


_CHECKS: dict[str, Check] = {}


def check(
    name: str, *, family: Family, version: str, cost: int, kinds: set[str], bounds: tuple[float, float]
) -> Callable[[CheckFunction], CheckFunction]:
    """Registers the decorated function as the check `name`.

    Raises:
        ValueError: the name is taken.
    """

    def register(function: CheckFunction) -> CheckFunction:
        if name in _CHECKS:
            raise ValueError(f"two checks are named {name!r}")
        _CHECKS[name] = Check(name, version, family, cost, frozenset(kinds), bounds, function)
        return function

    return register


@lru_cache(maxsize=1)
def registered() -> tuple[Check, ...]:
    """All checks, cheap first, then by name."""
    import verification.checks as folder  # the one late import: checks import this module

    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{folder.__name__}.{module.name}")
    return tuple(sorted(_CHECKS.values(), key=lambda item: (item.cost, item.name)))
