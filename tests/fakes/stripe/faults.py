"""Failures on order: the next calls of a route, or a seeded share of them, and a record of each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from random import Random


class Fault(Enum):
    """What goes wrong. Errors are kept under the request's idempotency key, as Stripe keeps them."""

    DROP_BEFORE = "the connection drops and nothing happened"
    DROP_AFTER = "it happened and the connection drops"
    CONFLICT = "409 and nothing happened"
    RATE_LIMIT = "429 with Retry-After and nothing happened"
    ERROR_BEFORE = "500 and nothing happened"
    ERROR_AFTER = "it happened and the answer is a 500"
    OUTAGE = "503 from before Stripe's own code: nothing happened, and nothing is kept under the key"
    DELAY = "it takes long"


@dataclass(frozen=True)
class Fired:
    """One fault that happened. `happened` says whether the request had its effect (a replay has none)."""

    fault: Fault
    route: str
    request: str
    happened: bool


@dataclass
class _Order:
    route: str
    fault: Fault
    left: int | None
    fraction: float
    rng: Random
    seconds: float

    def strikes(self, route: str) -> bool:
        if not fnmatchcase(route, self.route) or self.left == 0:
            return False
        if self.fraction < 1 and self.rng.random() >= self.fraction:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    """The orders, and what came of them."""

    def __init__(self) -> None:
        self.fired: list[Fired] = []
        self._orders: list[_Order] = []
        self._lock = threading.Lock()

    def next(self, route: str, fault: Fault, *, times: int = 1, seconds: float = 0.0) -> None:
        """Breaks the next calls of a route.

        Args:
            route: the route's name, as `POST /v1/transfers`, or a pattern, as `POST /v1/transfers*`.
            seconds: how long a delay takes.
        """
        self._orders.append(_Order(route, fault, times, 1.0, Random(0), seconds))

    def chance(self, route: str, fault: Fault, fraction: float, *, seed: int, seconds: float = 0.0) -> None:
        """Breaks a share of all calls of a route; the same ones for the same seed."""
        self._orders.append(_Order(route, fault, None, fraction, Random(seed), seconds))

    def clear(self) -> None:
        """Takes all orders back; the record stays."""
        self._orders.clear()

    def count(self, fault: Fault | None = None, route: str = "*", *, happened: bool | None = None) -> int:
        """How many faults happened, of a kind, on a route, with or without the request's effect."""
        return sum(1 for _ in self._matching(fault, route, happened))

    def _matching(self, fault: Fault | None, route: str, happened: bool | None) -> Iterator[Fired]:
        for one in list(self.fired):
            fits = fault in {None, one.fault} and fnmatchcase(one.route, route)
            if fits and happened in {None, one.happened}:
                yield one

    def draw(self, route: str) -> tuple[Fault, float] | None:
        """The fault this call will meet, if any, and how long it takes."""
        if not self._orders:
            return None
        with self._lock:
            for order in self._orders:
                if order.strikes(route):
                    return order.fault, order.seconds
        return None
