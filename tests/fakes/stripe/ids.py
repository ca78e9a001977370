"""Ids that look like Stripe's: the same on every run, and in no order a reader could lean on."""

from __future__ import annotations

import string
from collections import Counter
from hashlib import blake2b

_LETTERS = (string.digits + string.ascii_letters).encode()
_ALPHABET = bytes(_LETTERS[byte % len(_LETTERS)] for byte in range(256))


class Ids:
    """A stream of ids for each prefix; two streams of the same seed are equal."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._counts: Counter[str] = Counter()

    def make(self, prefix: str) -> str:
        self._counts[prefix] += 1
        text = f"{self._seed}:{prefix}:{self._counts[prefix]}"
        return f"{prefix}_{blake2b(text.encode(), digest_size=24).digest().translate(_ALPHABET).decode()}"
