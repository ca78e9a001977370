"""Identifiers: a prefix that says what a thing is, then 26 characters that sort by time.

The 26 characters are a ULID (48 bits of milliseconds, 80 random bits) in Crockford's base 32,
lower case. Because an id sorts by time it is its own page cursor.
"""

from __future__ import annotations

import re
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
PREFIXES = frozenset(
    {"apr", "bty", "clm", "cap", "rpt", "obs", "trf", "acc", "key", "dev", "esc", "ops", "lgl", "rec"}
)
_SHAPE = re.compile(rf"({'|'.join(sorted(PREFIXES))})_[{_ALPHABET}]{{26}}")


def new_id(prefix: str) -> str:
    """A fresh id such as `bty_01jd…`; `prefix` is one of PREFIXES.

    Raises:
        ValueError: the prefix is not one this house knows.
    """
    if prefix not in PREFIXES:
        raise ValueError(f"unknown id prefix {prefix!r}")
    number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    return f"{prefix}_" + "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -5, -5))


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` has the shape of an id of this prefix."""
    return text.startswith(f"{prefix}_") and _SHAPE.fullmatch(text) is not None
