"""How reading or verifying what a maker signed can end badly: not at all, not enough, or with a proof."""

from __future__ import annotations


class Malformed(ValueError):
    """The bytes are not what their format allows."""


class Doubt(Exception):
    """Nothing is proven either way: the check abstains for this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Forged(Exception):
    """What was handed in contradicts itself or what the server recorded: the capture is refused."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
