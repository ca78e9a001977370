"""Weights files: each is pinned by its SHA-256, and nothing starts with another.

A net with other weights would still answer, and nothing measured of it would be true any more.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from core.errors import Unavailable


def checked(path: Path, expected: str, hint: str) -> str:
    """The SHA-256 (hex) of a weights file, which must be the pinned one.

    Args:
        hint: what to do about it when it is not.

    Raises:
        Unavailable: the file is missing, cut off or another; names it, what was expected and what found.
    """
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
    if found != expected:
        what = "is missing" if found == "missing" else "is not the one this code was measured with"
        raise Unavailable(f"the weights file {path} {what}", hint=hint, expected=expected, found=found)
    return found
