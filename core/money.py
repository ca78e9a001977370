"""Money: whole micros of a US dollar (1 USD = 1,000,000), USDC's own unit.

Integers only: a float never holds money here. On the wire an amount is a decimal string
such as "10.00". Cents exist only inside the rails.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MICROS_PER_USD = 1_000_000
MAX_MICROS = 10**15  # one billion dollars: far under a signed 64-bit column, far over any escrow
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,9})(?:\.([0-9]{1,6}))?")


@dataclass(frozen=True, order=True, slots=True)
class Money:
    """A non-negative amount, 0..10^15 micro-dollars. Directions are accounts, never signs."""

    micros: int

    def __post_init__(self) -> None:
        if not isinstance(self.micros, int) or isinstance(self.micros, bool):
            raise TypeError("micros is an int")
        if not 0 <= self.micros <= MAX_MICROS:
            raise ValueError(f"{self.micros} micros is out of range 0..{MAX_MICROS}")

    @classmethod
    def parse(cls, text: str) -> Money:
        """Reads a decimal string of dollars with at most six decimals, such as "0.50".

        Raises:
            ValueError: not plain decimal digits, over six decimals (sub-micro), or out of range.
        """
        match = _DECIMAL.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a decimal amount with at most six decimals")
        whole, fraction = match.groups()
        return cls(int(whole) * MICROS_PER_USD + int((fraction or "").ljust(6, "0")))

    def __str__(self) -> str:
        """Dollars with at least two decimals: "10.00", "0.000001"."""
        whole, micros = divmod(self.micros, MICROS_PER_USD)
        fraction = f"{micros:06d}".rstrip("0").ljust(2, "0")
        return f"{whole}.{fraction}"

    def __add__(self, other: Money) -> Money:
        return Money(self.micros + other.micros)

    def __sub__(self, other: Money) -> Money:
        """Raises ValueError when the result would be negative."""
        return Money(self.micros - other.micros)

    def times(self, count: int) -> Money:
        """This amount `count` times (count >= 0)."""
        return Money(self.micros * count)

    def basis_points(self, points: int) -> Money:
        """`points` hundredths of a percent of this amount, rounded down to the micro."""
        return Money(self.micros * points // 10_000)


def split(total: Money, weights: Sequence[int]) -> list[Money]:
    """Shares of `total` by `weights` that always sum to it: largest remainder, earlier first on a tie.

    Args:
        total: the amount to share out.
        weights: at least one, each >= 0, not all zero.

    Raises:
        ValueError: no positive weight to share by, or a negative one.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights must be >= 0 with a positive sum")
    floors = [total.micros * weight // whole for weight in weights]
    remainders = [total.micros * weight % whole for weight in weights]
    rest = total.micros - sum(floors)
    for index in sorted(range(len(weights)), key=lambda i: (-remainders[i], i))[:rest]:
        floors[index] += 1
    return [Money(share) for share in floors]
